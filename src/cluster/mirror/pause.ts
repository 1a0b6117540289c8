/** How long a mirror waits before it asks the next member. */

const QUICK_MS = 100;
const LONGEST_MS = 5000;
/** A person must end it: it is only looked at again. */
const LASTING_MS = 30_000;

/**
 * The pause after `failures` (1, 2, …) in a row, ms: the first round over all members is quick, then it grows. Always the whole
 * of it is random, so that a thousand servers don't come back at once. `random`: 0 ≤ x < 1.
 */
export function pauseMs(failures: number, members: number, lasting: boolean, random: number): number {
  if (lasting) return LASTING_MS * (0.5 + random / 2);
  const round = failures <= members ? 0 : failures - members;
  return random * Math.min(LONGEST_MS, QUICK_MS * 2 ** round);
}
