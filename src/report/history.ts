/** Recent verdict changes, and counters of all of them since the start. */
import { LIMIT_TABLE } from '../model/limits.ts';
import type { Decisions, Transition } from '../model/verdict.ts';
import { SUBJECTS, verdictsOf } from '../model/verdicts.ts';

/** Counts by a fixed-length key of label values; series once counted never go away. */
export class Counts {
  readonly #index = new Map<string, number>();
  #rows: readonly (readonly string[])[] = [];
  #values: Float64Array = new Float64Array(0);

  /** `known`: the series to show as 0 before anything is counted, so that the first event is seen as an increase. */
  constructor(known: readonly (readonly string[])[] = []) {
    for (const row of known) this.add(row, 0);
  }

  add(row: readonly string[], by = 1): void {
    const key = row.join('\0');
    let at = this.#index.get(key);
    if (at === undefined) {
      at = this.#rows.length;
      this.#index.set(key, at);
      this.#rows = [...this.#rows, row];
      const grown = new Float64Array(at + 1);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[at]! += by;
  }

  /** Label values per series; a new array when a series was added. */
  get rows(): readonly (readonly string[])[] {
    return this.#rows;
  }

  /** Counts in the order of `rows`. */
  get values(): Float64Array {
    return this.#values;
  }
}

const CHANGES = SUBJECTS.flatMap((subject) => verdictsOf(subject).map((verdict) => [subject, verdict]));
const LIMIT_ROWS = LIMIT_TABLE.map(({ name }) => [name]);

/** A ring of the last transitions. Feed it every judge pass. */
export class TransitionLog {
  readonly #ring: Transition[] = [];
  readonly #capacity: number;
  #next = 0;
  readonly changes = new Counts(CHANGES);
  readonly blocked = new Counts(LIMIT_ROWS);

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  record(decisions: Pick<Decisions, 'transitions' | 'blocked'>): void {
    for (const transition of decisions.transitions) {
      this.#ring[this.#next] = transition;
      this.#next = (this.#next + 1) % this.#capacity;
      this.changes.add([transition.subject, transition.verdict]);
    }
    for (const { rule } of decisions.blocked) this.blocked.add([rule]);
  }

  /** Transitions later than `t` (monotonic ms), oldest first; at most the ring's capacity of them. */
  since(t: number): readonly Transition[] {
    const ordered = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return ordered.filter((transition) => transition.t > t);
  }
}
