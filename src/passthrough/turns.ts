/** Work for many, some at a time. */

/**
 * Runs `work` for each, `atOnce` at the same time, begun in their order, until `isOver`. Resolves when all that were begun have
 * ended; rejects with the first error.
 */
export async function eachOf<T>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<void>,
  isOver = () => false,
): Promise<void> {
  let at = 0;
  const worker = async () => {
    while (at < all.length && !isOver()) await work(all[at++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
}
