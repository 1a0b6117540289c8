/** Wrong credentials are counted, and whoever sends too many of them has to wait. */
import { counter, type Family, type FamilySource, family, ONE_ROW } from '../model/family.ts';

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
  /** Since the last report. */
  readonly wrong: number;
}

export class Guesses implements FamilySource {
  readonly #clock: () => number;
  readonly #report: (attempt: Attempt) => void;
  readonly #guessers = new Map<string, Guesser>();
  #wrong = 0;
  #unreported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  /** @param report called with the first wrong one, and then at most once a minute */
  constructor(clock: () => number, report: (attempt: Attempt) => void) {
    this.#clock = clock;
    this.#report = report;
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
    this.#wrong++;
    this.#unreported++;
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#report({ address, wrong: this.#unreported });
    this.#reportedAt = now;
    this.#unreported = 0;
  }

  families(): readonly Family[] {
    const help = 'Requests over HTTP whose credentials were wrong.';
    return [family(counter('http_wrong_credentials_total', help), ONE_ROW, [this.#wrong])];
  }

  #refill(guesser: Guesser): void {
    const now = this.#clock();
    guesser.left = Math.min(FREE, guesser.left + (now - guesser.at) / PAUSE_MS);
    guesser.at = now;
  }
}
