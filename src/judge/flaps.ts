/** R13: fault onsets are counted; each one doubles the time the subject stays out, and too many keep it out. */
import type { Flaps, State } from './memory.ts';

/** Notes one more fault of subject `k`. */
export function addFlap(s: State, flaps: Flaps, k: number, now: number): void {
  const onsets = flaps.get(k);
  if (onsets === undefined) flaps.set(k, [now]);
  else onsets.push(now);
  countFlaps(s, flaps, k, now);
}

/** How many faults of subject `k` the window holds; older ones are forgotten. */
export function countFlaps(s: State, flaps: Flaps, k: number, now: number): number {
  const onsets = flaps.get(k);
  if (onsets === undefined) return 0;
  while (onsets.length > 0 && onsets[0]! <= now - s.rules.flap_window_ms) onsets.shift();
  if (onsets.length === 0) flaps.delete(k);
  return onsets.length;
}

/** Whether the hold-down of subject `k`, counted from its last fault, is over. */
export function heldDownEnough(s: State, flaps: Flaps, k: number, now: number, baseMs: number, maxMs: number): boolean {
  const n = countFlaps(s, flaps, k, now);
  if (n === 0) return true;
  const hold = Math.min(baseMs * 2 ** (n - 1), maxMs);
  return now - flaps.get(k)!.at(-1)! >= hold;
}

/** Whether subject `k` had so many faults that it counts as flapping. */
export function isFlapping(s: State, flaps: Flaps, k: number, now: number): boolean {
  return countFlaps(s, flaps, k, now) >= s.rules.flap_limit;
}
