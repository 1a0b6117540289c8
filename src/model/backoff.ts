/** Pauses after failures: each twice the one before, up to the longest. */

/** The pause after `failures` (1, 2, …) in a row, in the unit of `first`. */
export function pauseAfter(failures: number, first: number, longest: number): number {
  return Math.min(longest, first * 2 ** (failures - 1));
}

/** Spreads a pause by a quarter to either side, so that many don't try at once. `random`: 0 ≤ x < 1. */
export function spread(pause: number, random: number): number {
  return pause * (0.75 + 0.5 * random);
}

/** Counts the failures in a row of one thing. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #failures = 0;

  /** Both in ms. */
  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = longest;
  }

  /** One more failure. @returns how long to pause after it, ms */
  next(): number {
    return pauseAfter(++this.#failures, this.#first, this.#longest);
  }

  /** It works again: the next pause is the first one. */
  reset(): void {
    this.#failures = 0;
  }
}
