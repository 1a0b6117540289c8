/** Wrong credentials are counted, and whoever sends too many of them has to wait. */

/** So many in a row are forgiven; after that one in each pause, ms. */
const FREE = 5;
const PAUSE_MS = 5000;
/** Addresses remembered; whoever is pushed out begins again, which takes as many others. */
const MOST = 1000;
/** A sequence of them is reported at most so often, ms. */
const REPORT_MS = 60_000;

interface Guesser {
  /** What is left, up to FREE; grows by one in PAUSE_MS. */
  left: number;
  at: number;
}

export interface Attempt {
  readonly address: string;
  /** How many were wrong since the last one that is worth a line of the log; 0: this one is none. */
  readonly toLog: number;
}

export class Guesses {
  readonly #clock: () => number;
  readonly #heard: (attempt: Attempt) => void;
  readonly #guessers = new Map<string, Guesser>();
  #unreported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  /** @param heard called with each wrong one that was looked at */
  constructor(clock: () => number, heard: (attempt: Attempt) => void) {
    this.#clock = clock;
    this.#heard = heard;
  }

  /** How long this address has to wait before credentials of it are looked at, ms; 0: not at all. */
  wait(address: string): number {
    const guesser = this.#guessers.get(address);
    if (guesser === undefined) return 0;
    this.#refill(guesser);
    return guesser.left >= 1 ? 0 : Math.ceil((1 - guesser.left) * PAUSE_MS);
  }

  /** Wrong credentials came from this address. */
  wrong(address: string): void {
    const now = this.#clock();
    const guesser = this.#guessers.get(address) ?? { left: FREE, at: now };
    this.#refill(guesser);
    guesser.left = Math.max(0, guesser.left - 1);
    this.#guessers.delete(address);
    this.#guessers.set(address, guesser);
    if (this.#guessers.size > MOST) this.#guessers.delete(this.#guessers.keys().next().value!);
    this.#unreported++;
    const due = now - this.#reportedAt >= REPORT_MS;
    this.#heard({ address, toLog: due ? this.#unreported : 0 });
    if (!due) return;
    this.#reportedAt = now;
    this.#unreported = 0;
  }

  #refill(guesser: Guesser): void {
    const now = this.#clock();
    guesser.left = Math.min(FREE, guesser.left + (now - guesser.at) / PAUSE_MS);
    guesser.at = now;
  }
}
