/** Counts what the actuators did, as metric families. */
import { counter, type Family, family, gauge, histogram } from '../model/family.ts';
import { Histogram } from '../model/histogram.ts';

/**
 * `announced`: a repetition of the wanted state went out; `unchanged`: it was in place already; `unsupported`: the actuator, or
 * what it talks to, can't do such a thing.
 */
export const ACTION_RESULTS = ['ok', 'unchanged', 'announced', 'failed', 'unsupported'] as const;
export type ActionResult = (typeof ACTION_RESULTS)[number];

/** Numbers of effects by actuator; an actuator without any may be absent. */
export interface OpenEffects {
  /** Wanted but not in place. */
  readonly pending: ReadonlyMap<string, number>;
  /** Found changed by somebody else and not put back. */
  readonly drifted: ReadonlyMap<string, number>;
  /** Wanted, but not to be done with this actuator. */
  readonly unsupported: ReadonlyMap<string, number>;
}

const BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30] as const;
export class ActionCounters {
  readonly #names: readonly string[];
  readonly #results: Float64Array;
  readonly #pending: Float64Array;
  readonly #drifts: Float64Array;
  readonly #drifted: Float64Array;
  readonly #unsupported: Float64Array;
  readonly #durations: Histogram;
  readonly #families: readonly Family[];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#results = new Float64Array(names.length * ACTION_RESULTS.length);
    this.#pending = new Float64Array(names.length);
    this.#drifts = new Float64Array(names.length);
    this.#drifted = new Float64Array(names.length);
    this.#unsupported = new Float64Array(names.length);
    this.#durations = new Histogram(BOUNDS, names.length);
    const rows = names.map((name) => [name]);
    const each = ['actuator'];
    this.#families = [
      family(
        counter('actions_total', 'Effects carried out, by actuator and result.', ['actuator', 'result']),
        names.flatMap((name) => ACTION_RESULTS.map((result) => [name, result])),
        this.#results,
      ),
      family(
        gauge('action_pending', 'Effects wanted but not in place: under way, waiting, or failed and to be tried again.', each),
        rows,
        this.#pending,
      ),
      family(
        counter('action_drift_total', 'Times that an effect in place was found changed by somebody else.', each),
        rows,
        this.#drifts,
      ),
      family(gauge('action_drifted', 'Effects found changed by somebody else and not put back yet.', each), rows, this.#drifted),
      family(
        gauge(
          'action_unsupported',
          'Effects wanted that the actuator, or what it talks to, cannot carry out; the log says why, once.',
          each,
        ),
        rows,
        this.#unsupported,
      ),
      family(
        histogram('action_duration_seconds', 'Duration of actuator calls, failed ones included.', each),
        rows,
        this.#durations.values,
        BOUNDS,
      ),
    ];
  }

  /** One effect ended in `result`. */
  result(name: string, result: ActionResult): void {
    const i = this.#names.indexOf(name) * ACTION_RESULTS.length + ACTION_RESULTS.indexOf(result);
    this.#results[i] = this.#results[i]! + 1;
  }

  /** One call took `ms`. */
  call(name: string, ms: number): void {
    this.#durations.observe(ms / 1000, this.#names.indexOf(name));
  }

  /** One effect in place was found changed by somebody else. */
  drift(name: string): void {
    const i = this.#names.indexOf(name);
    this.#drifts[i] = this.#drifts[i]! + 1;
  }

  /** The families, with the numbers of now. */
  families({ pending, drifted, unsupported }: OpenEffects): readonly Family[] {
    this.#names.forEach((name, i) => {
      this.#pending[i] = pending.get(name) ?? 0;
      this.#drifted[i] = drifted.get(name) ?? 0;
      this.#unsupported[i] = unsupported.get(name) ?? 0;
    });
    return this.#families;
  }
}
