/** When a cell is probed next: spread over the interval, jittered, denser while a state is changing. Pure. */
import { LINK_EVIDENCE, SERVICE_EVIDENCE } from '../model/outcome.ts';

const GOLDEN = 0.6180339887498949;
/** Share of the interval a start may be moved, so that lanes and servers do not fall into step. */
const JITTER = 0.04;
/** Confirmation probes come this many times faster. */
export const BURST = 5;

/** First start of a cell: golden-ratio phases fill the interval evenly whatever the number of cells. */
export function firstStart(cell: number, interval: number, now: number): number {
  return now + ((cell * GOLDEN) % 1) * interval;
}

/** A start near `nominal`, moved by at most JITTER of the interval. @param random 0 ≤ random < 1 */
export function jittered(nominal: number, interval: number, random: number): number {
  return nominal + (random - 0.5) * JITTER * interval;
}

/** -1, 0, 1: what an outcome does to the confirmation streak; either half of the evidence being bad makes it bad. */
export function valence(outcome: number): number {
  const link = LINK_EVIDENCE[outcome]!;
  const service = SERVICE_EVIDENCE[outcome]!;
  if (link < 0 || service < 0) return -1;
  return link > 0 && service > 0 ? 1 : 0;
}

/** The streak after one more result; -128…127, 0 = nothing known. */
export function nextStreak(streak: number, value: number): number {
  if (value === 0) return streak;
  if (value > 0) return streak > 0 ? Math.min(streak + 1, 100) : 1;
  return streak < 0 ? Math.max(streak - 1, -100) : -1;
}

/** True while the streak is young: a change has begun and is not yet confirmed, so the next probe comes at interval / BURST. */
export function confirming(streak: number, fall: number, rise: number): boolean {
  return streak < 0 ? -streak < fall : streak > 0 && streak < rise;
}
