/** Waiting for a condition instead of for a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves with the first value that is neither undefined nor false; rejects with `what` and the last error after `limitMs`.
 * @param everyMs pause between two askings; a long one where asking costs what is waited for its CPU time
 * @param signal ends the wait: it rejects at once
 */
export async function until<T>(
  what: string,
  limitMs: number,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 20,
  signal?: AbortSignal,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last = '';
  for (;;) {
    try {
      const value = await ask();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = ` (${(error as Error).message})`;
    }
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}${last}`);
    await sleep(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
