/** Effects of kinds that their actuator can't carry out, such as one NIC's part of a service where the data plane has no such thing. */
import type { Effect } from './actuator.ts';

export class Impossible {
  readonly #told = new Set<string>();
  /** How many are wanted, by actuator. */
  readonly counts = new Map<string, number>();

  /** Counts one. @returns whether it is to be told: the first of its service and kind */
  add(effect: Effect): boolean {
    count(this.counts, effect);
    const { spec, service, kind } = effect;
    const name = JSON.stringify([spec.type, service, kind]);
    const isFirst = !this.#told.has(name);
    this.#told.add(name);
    return isFirst;
  }

  /** The wanted effects come anew. */
  recount(): void {
    this.counts.clear();
  }

  /** The plan is another: all are told again. */
  forget(): void {
    this.#told.clear();
  }
}

/** Adds one effect to the number of its actuator's. */
export function count(numbers: Map<string, number>, { spec }: Effect): void {
  numbers.set(spec.type, (numbers.get(spec.type) ?? 0) + 1);
}
