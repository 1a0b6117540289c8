/**
 * Calls into the kernel that may wait for its network lock, which a driver that resets its device holds for seconds: made in a
 * thread of Node's pool, one at a time, so that a kernel that hangs costs one thread and no more.
 */
let isWaiting = false;

/** Rejects at once while an earlier call still waits; it goes on when nobody waits for it any more. */
export async function inPool<T>(call: () => Promise<T>): Promise<T> {
  if (isWaiting) throw new Error('an earlier question still waits for the kernel');
  isWaiting = true;
  try {
    return await call();
  } finally {
    isWaiting = false;
  }
}
