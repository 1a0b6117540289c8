/**
 * Asks data planes about NICs whose probes fail (R11), for as long as the judge doubts them: at once, each second while a verdict
 * may be waiting, then less often. One question at a time, so that a data plane that answers slowly is asked less.
 */
import type { CollectedNic } from '../collect/collector.ts';

/** Pauses between two questions about a NIC: the first ones and all others, ms. */
const FIRST_PAUSE_MS = 1000;
const LATER_PAUSE_MS = 5000;
const FIRST_QUESTIONS = 5;

interface Doubt {
  /** Questions so far, and when the next one is due: ms of the clock. */
  readonly questions: number;
  readonly due: number;
}

export class Asker {
  readonly #clock: () => number;
  readonly #ask: (nics: readonly CollectedNic[]) => Promise<void>;
  /** By name of the NIC. */
  #doubts = new Map<string, Doubt>();
  #asking = false;

  /** @param clock ms; @param ask resolves when the answers have come */
  constructor(clock: () => number, ask: (nics: readonly CollectedNic[]) => Promise<void>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Call after each pass. @param nics that the judge doubts now */
  doubted(nics: readonly CollectedNic[]): void {
    if (nics.length === 0 && this.#doubts.size === 0) return;
    const now = this.#clock();
    this.#doubts = new Map(nics.map(({ name }) => [name, this.#doubts.get(name) ?? { questions: 0, due: now }]));
    const due = nics.filter(({ name }) => this.#doubts.get(name)!.due <= now);
    if (due.length === 0 || this.#asking) return;
    for (const { name } of due) {
      const questions = this.#doubts.get(name)!.questions + 1;
      this.#doubts.set(name, { questions, due: now + (questions < FIRST_QUESTIONS ? FIRST_PAUSE_MS : LATER_PAUSE_MS) });
    }
    this.#asking = true;
    void this.#ask(due).finally(() => (this.#asking = false));
  }
}
