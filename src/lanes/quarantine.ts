/**
 * Cells that are not probed for a while because a probe of theirs held its thread. Pure: times are handed in. The lane keeps
 * one such list to act by, main another to begin the lane's next thread with.
 */
import type { Judgement } from '../checks/kind.ts';
import { pauseAfter } from '../model/backoff.ts';
import type { Held } from '../model/messages.ts';
import { LOCAL_ERROR, phaseCode, QUARANTINED } from '../model/outcome.ts';

const FIRST_MS = 10_000;
const LONGEST_MS = 10 * 60_000;
/** A cell that behaves this long after its release begins its back-off from the start. */
const FORGIVE_MS = 10 * 60_000;

export class Quarantine {
  readonly #held = new Map<number, Held>();

  /** A probe of this cell has held its thread. @returns the entry, for whoever keeps another list */
  hold(cell: number, generation: number, now: number): Held {
    const before = this.#held.get(cell);
    const known = before !== undefined && before.generation === generation && now - before.until < FORGIVE_MS;
    const holds = known ? before.holds + 1 : 1;
    const held = { cell, generation, holds, until: now + pauseAfter(holds, FIRST_MS, LONGEST_MS) };
    this.take(held);
    return held;
  }

  /** Takes over an entry of another list. */
  take(held: Held): void {
    this.#held.set(held.cell, held);
  }

  /** ms until the cell is probed again; 0 when it is free. */
  remaining(cell: number, generation: number, now: number): number {
    const held = this.#held.get(cell);
    return held === undefined || held.generation !== generation ? 0 : Math.max(0, held.until - now);
  }

  /** How many cells are held now. */
  count(now: number): number {
    let count = 0;
    for (const { until } of this.#held.values()) if (until > now) count++;
    return count;
  }

  /** Everything worth remembering. */
  get entries(): readonly Held[] {
    return [...this.#held.values()];
  }

  /** Forgets a cell that has another occupant, or none. */
  forget(cell: number): void {
    this.#held.delete(cell);
  }
}

/**
 * What a cell owes after a probe that took `costMs` of its thread's CPU: each probe has `allowanceMs` for nothing, so only a cell
 * that takes more, again and again, owes more and more.
 */
export function debtAfter(debt: number, costMs: number, allowanceMs: number): number {
  return Math.max(0, debt + costMs - allowanceMs);
}

/** What a cell answers instead of probing. @param ms until it is probed again */
export function quarantined(ms: number): Judgement {
  return { outcome: LOCAL_ERROR, phase: phaseCode('start'), cause: QUARANTINED, detail: Math.ceil(ms / 1000) };
}
