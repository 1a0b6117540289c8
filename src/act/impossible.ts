/**
 * Effects of kinds that their actuator can't carry out, such as one NIC's part of a service where the data plane has no such
 * thing.
 */
import type { Effect } from './actuator.ts';
import type { ActionReport } from './report.ts';

export class Impossible {
  readonly #reported = new Set<string>();
  /** How many are wanted, by actuator. */
  readonly counts = new Map<string, number>();

  /** Counts one. @returns what to report: only for the first of its service and kind */
  add(effect: Effect): ActionReport | undefined {
    count(this.counts, effect);
    const { spec, service, kind } = effect;
    const name = JSON.stringify([spec.type, service, kind]);
    if (this.#reported.has(name)) return undefined;
    this.#reported.add(name);
    const error = `${spec.type} can't carry out effects of kind ${kind}; this is told once for the service`;
    return { effect, result: 'unsupported', durationMs: 0, failures: 0, error, known: false, drift: false };
  }

  /** Before the wanted effects are counted again. */
  recount(): void {
    this.counts.clear();
  }

  /** The plan is another: each is reported again. */
  forget(): void {
    this.#reported.clear();
  }
}

/** Adds one effect to the number of its actuator's. */
export function count(numbers: Map<string, number>, { spec }: Effect): void {
  numbers.set(spec.type, (numbers.get(spec.type) ?? 0) + 1);
}
