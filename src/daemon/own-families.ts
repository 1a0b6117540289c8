/** Families of the daemon itself: the judge's turns, what could not be saved or logged, certificates seen. */
import type { Lanes } from '../lanes/lanes.ts';
import { counter, gauge } from '../metrics/gauge.ts';
import type { Family, FamilySource } from '../model/family.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Loop } from './loop.ts';
import type { Recording } from './recorder.ts';
import type { StateFile } from './state-file.ts';
import type { Topic } from './topic.ts';

export interface OwnParts {
  readonly plans: CurrentPlan;
  readonly lanes: Pick<Lanes, 'certificates'>;
  readonly loop: Pick<Loop, 'durations' | 'durationBounds'>;
  readonly file: Pick<StateFile, 'error'>;
  readonly recording: Pick<Recording, 'current'>;
  readonly logDropped: () => number;
  /** When each judge pass begins, ms of the clock. */
  readonly passed: Topic<number>;
}

const SINGLE: Family['rows'] = [[]];
/** Passes are a tenth of an interval apart, 20 to 100 ms, or less when a link changes. */
const PERIOD_BOUNDS = [0.02, 0.05, 0.1, 0.105, 0.11, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5];

export class OwnFamilies implements FamilySource {
  readonly #p: OwnParts;
  /** Bucket counts, then the sum in seconds. */
  readonly #periods = new Float64Array(PERIOD_BOUNDS.length + 2);
  #passedAt = Number.NaN;

  constructor(parts: OwnParts) {
    this.#p = parts;
    parts.passed.on((now) => this.#observe((now - this.#passedAt) / 1000, now));
  }

  families(): readonly Family[] {
    const { loop, file, recording, logDropped } = this.#p;
    const single = (make: typeof gauge, name: string, help: string, value: number) => make(name, help, [], SINGLE, [value]);
    return [
      {
        ...gauge('judge_duration_seconds', 'Duration of judge passes.', [], SINGLE, loop.durations),
        type: 'histogram',
        bounds: loop.durationBounds,
      },
      {
        ...gauge('judge_period_seconds', 'Time from the beginning of a judge pass to the next one.', [], SINGLE, this.#periods),
        type: 'histogram',
        bounds: PERIOD_BOUNDS,
      },
      single(gauge, 'state_save_failed', '1 while the state file cannot be written.', Number(file.error !== '')),
      single(
        counter,
        'evidence_dropped_total',
        'Evidence log lines not written because the disk was too slow or failed.',
        recording.current?.dropped ?? 0,
      ),
      single(
        counter,
        'log_dropped_total',
        "Lines of the agent's own log that were dropped because too many waited to be read.",
        logDropped(),
      ),
      this.#certificates(),
    ];
  }

  #observe(seconds: number, now: number): void {
    this.#passedAt = now;
    if (Number.isNaN(seconds)) return;
    const bucket = PERIOD_BOUNDS.findIndex((bound) => seconds <= bound);
    this.#periods[bucket < 0 ? PERIOD_BOUNDS.length : bucket]! += 1;
    this.#periods[PERIOD_BOUNDS.length + 1]! += seconds;
  }

  /** The soonest expiry of each real server: several ssl profiles may see several certificates. */
  #certificates(): Family {
    const { plans, lanes } = this.#p;
    const soonest = new Map<string, number>();
    for (const target of plans.plan.targets) {
      const notAfter = lanes.certificates.get(target.key);
      const known = soonest.get(target.realServer) ?? Infinity;
      if (notAfter !== undefined) soonest.set(target.realServer, Math.min(known, notAfter / 1000));
    }
    return gauge(
      'certificate_not_after_timestamp_seconds',
      'Expiry of the certificate that ssl checks of a real server saw; the soonest of several.',
      ['real_server'],
      [...soonest.keys()].map((realServer) => [realServer]),
      [...soonest.values()],
    );
  }
}
