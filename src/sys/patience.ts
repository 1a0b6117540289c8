/**
 * File operations that may never end: a file system that does not answer keeps a thread of Node's pool, and four of them keep all
 * others from files, names and the end of the process.
 */

/** How long one may take, ms. */
const PATIENCE_MS = 5000;
/** So many may hang at a time; what comes then is refused at once, so that threads are left. */
const MOST_HANGING = 2;
let hanging = 0;

/**
 * Waits for a file operation, but not for ever. Rejects with its error, with ETIMEDOUT, or with EBUSY when too many hang already.
 * @param late what to do with a result that comes after that
 */
export async function patiently<T>(work: () => Promise<T>, late: (result: T) => void = () => undefined): Promise<T> {
  if (hanging >= MOST_HANGING)
    throw Object.assign(new Error(`not tried: ${hanging} other files do not answer`), { code: 'EBUSY' });
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    hanging++;
    reject(Object.assign(new Error(`it does not answer within ${PATIENCE_MS / 1000} s`), { code: 'ETIMEDOUT' }));
  }, PATIENCE_MS);
  work().then(
    (result) => {
      clearTimeout(timer);
      if (over) late(result);
      else resolve(result);
      if (over) hanging--;
    },
    (error: unknown) => {
      clearTimeout(timer);
      if (over) hanging--;
      reject(error as Error);
    },
  );
  return promise;
}
