/** The one door by which facts reach the judge: each is stamped when it arrives, and all wait in that order for the next pass. */
import type { Facts, Observation, ResultBatch, Unstamped } from '../model/facts.ts';

/** Kinds that are judged at once, and again when their debounce is over; others wait for the next pass. */
const URGENT: Readonly<Record<Observation['kind'], boolean>> = {
  link: true,
  dataplane: false,
  routing: false,
  permit: false,
  fleet: false,
};

export class Inbox {
  readonly #clock: () => number;
  #observations: Observation[] = [];

  /** @param clock ms, monotonic */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Takes a fact in. @returns whether it should be judged at once */
  take(fact: Unstamped): boolean {
    this.#observations.push({ ...fact, t: this.#clock() });
    return URGENT[fact.kind];
  }

  /** Everything since the last call, with the probes' results. */
  empty(results: ResultBatch): Facts {
    const observations = this.#observations;
    this.#observations = [];
    return { results, observations };
  }
}
