/**
 * How often evidence is written: at once when it changes after a rest, then at most every two seconds, and in the long run once
 * in ten. etcd keeps the history of every write, and this is what would fill it.
 */

const LEAST_GAP_MS = 2000;
const BURST = 5;
const REFILL_MS = 10_000;

export interface Pace {
  /** Writes that may be made now, 0 … BURST. */
  readonly tokens: number;
  /** When they were counted, and when the last one was taken: ms of the own clock. */
  readonly at: number;
  readonly last: number;
}

/** Nothing has been written yet. */
export const RESTED: Pace = { tokens: BURST, at: 0, last: Number.NEGATIVE_INFINITY };

/** Whether a write may be made at `now`: the pace after it; or when to ask again. */
export function takeTurn(pace: Pace, now: number): { readonly next: Pace } | { readonly askAgainAt: number } {
  const tokens = Math.min(BURST, pace.tokens + (now - pace.at) / REFILL_MS);
  const gapEnds = pace.last + LEAST_GAP_MS;
  const tokenAt = tokens >= 1 ? now : now + (1 - tokens) * REFILL_MS;
  const due = Math.max(gapEnds, tokenAt);
  return due > now ? { askAgainAt: due } : { next: { tokens: tokens - 1, at: now, last: now } };
}
