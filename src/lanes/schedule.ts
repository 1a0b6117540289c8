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

/** -1, 0, 1: what an outcome does to the confirmation streak: one half of the evidence that is bad makes it bad. */
export function valence(outcome: number): number {
  const link = LINK_EVIDENCE[outcome]!;
  const service = SERVICE_EVIDENCE[outcome]!;
  if (link < 0 || service < 0) return -1;
  return service > 0 ? 1 : 0;
}

const LONG = 100;

/**
 * The streak after one more result; 0 = nothing known. A first result that is good needs no confirmation: nothing has changed.
 */
export function nextStreak(streak: number, value: number): number {
  if (value === 0) return streak;
  if (value > 0) return streak === 0 ? LONG : streak > 0 ? Math.min(streak + 1, LONG) : 1;
  return streak < 0 ? Math.max(streak - 1, -LONG) : -1;
}

/** True while the streak is young: a change has begun and is not yet confirmed, so the next probe comes at interval / BURST. */
export function confirming(streak: number, fall: number, rise: number): boolean {
  return streak < 0 ? -streak < fall : streak > 0 && streak < rise;
}

/** Confirmation probes a lane may add per second: this share of its regular probes, and a few more. */
const EXTRA_SHARE = 0.75;
const EXTRA_FEW = 200;

/**
 * Limits confirmation probes. When everything fails at once, probing it all five times as often would overload the prober, which
 * then could not judge at all: what the budget refuses is confirmed at the regular interval.
 */
export class BurstBudget {
  #rate = 0;
  #tokens = EXTRA_FEW;
  #at = 0;

  /** Adds to the lane's regular probes per second. */
  change(perSecond: number): void {
    this.#rate += perSecond;
  }

  /** Takes one probe out of the budget, if there is one. @param now ms, not decreasing */
  take(now: number): boolean {
    const perSecond = EXTRA_SHARE * this.#rate + EXTRA_FEW;
    this.#tokens = Math.min(perSecond, this.#tokens + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
