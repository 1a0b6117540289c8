/** R13: fault onsets are counted; each one doubles the time the subject stays out, and too many keep it out. */
import { pauseAfter } from '../model/backoff.ts';
import type { Rules } from '../model/rules.ts';
import type { Flaps, State } from './memory.ts';

/** Notes one more fault of a subject. */
export function addFlap(state: State, flaps: Flaps, subject: number, now: number): void {
  const onsets = flaps.get(subject);
  if (onsets === undefined) flaps.set(subject, [now]);
  else onsets.push(now);
  countFlaps(state, flaps, subject, now);
}

/** How many faults of a subject the window holds; older ones are forgotten. */
export function countFlaps(state: State, flaps: Flaps, subject: number, now: number): number {
  const onsets = flaps.get(subject);
  if (onsets === undefined) return 0;
  while (onsets.length > 0 && onsets[0]! <= now - state.rules.flap_window_ms) onsets.shift();
  if (onsets.length === 0) flaps.delete(subject);
  return onsets.length;
}

/**
 * Whether the hold-down of a subject, counted from its last fault, is over: it begins with `leastMs` and doubles with each fault.
 */
export function heldDownEnough(
  state: State,
  flaps: Flaps,
  subject: number,
  now: number,
  { leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number },
): boolean {
  const faults = countFlaps(state, flaps, subject, now);
  if (faults === 0) return true;
  const hold = pauseAfter(faults, leastMs, mostMs);
  return now - flaps.get(subject)!.at(-1)! >= hold;
}

/** The hold-down of real servers and paths. */
export function serverHoldDown({ rs_hold_down_ms, rs_hold_down_max_ms }: Rules): { leastMs: number; mostMs: number } {
  return { leastMs: rs_hold_down_ms, mostMs: rs_hold_down_max_ms };
}

/** Whether a subject had so many faults that it counts as flapping. */
export function isFlapping(state: State, flaps: Flaps, subject: number, now: number): boolean {
  return countFlaps(state, flaps, subject, now) >= state.rules.flap_limit;
}
