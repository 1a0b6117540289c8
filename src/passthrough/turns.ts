/** Work for many, some at a time. */

/**
 * Runs `work` for each, `atOnce` at the same time, begun in their order. Resolves when all have ended; rejects with the first
 * error.
 */
export async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  let at = 0;
  const worker = async () => {
    while (at < all.length) await work(all[at++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
}
