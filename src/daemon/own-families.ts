/** Families of the daemon itself: the judge's turns, what could not be saved or logged, certificates seen. */
import type { Lanes } from '../lanes/lanes.ts';
import { counter, type Family, type FamilySource, family, gauge, histogram, type Metric, ONE_ROW } from '../model/family.ts';
import { Histogram } from '../model/histogram.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Loop } from './loop.ts';
import type { Recording } from './recorder.ts';
import type { StateFile } from './state-file.ts';
import type { Topic } from './topic.ts';

export interface OwnParts {
  readonly plans: CurrentPlan;
  readonly lanes: Pick<Lanes, 'certificates'>;
  readonly loop: Pick<Loop, 'durations'>;
  readonly file: Pick<StateFile, 'error'>;
  readonly recording: Pick<Recording, 'current'>;
  readonly logDropped: () => number;
  /** When each judge pass begins, ms of the clock. */
  readonly passed: Topic<number>;
}

/** Passes are a tenth of an interval apart, 20 to 100 ms, or less when a link changes. */
const PERIOD_BOUNDS = [0.02, 0.05, 0.1, 0.105, 0.11, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5];
const PERIOD = histogram('judge_period_seconds', 'Time from the beginning of a judge pass to the next one.');

export class OwnFamilies implements FamilySource {
  readonly #p: OwnParts;
  readonly #periods = new Histogram(PERIOD_BOUNDS);
  #passedAt = Number.NaN;

  constructor(parts: OwnParts) {
    this.#p = parts;
    parts.passed.on((now) => this.#observe((now - this.#passedAt) / 1000, now));
  }

  families(): readonly Family[] {
    const { loop, file, recording, logDropped } = this.#p;
    const { values, bounds } = loop.durations;
    const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
    return [
      family(histogram('judge_duration_seconds', 'Duration of judge passes.'), ONE_ROW, values, bounds),
      family(PERIOD, ONE_ROW, this.#periods.values, this.#periods.bounds),
      one(gauge('state_save_failed', '1 while the state file cannot be written.'), Number(file.error !== '')),
      one(
        counter('evidence_dropped_total', 'Evidence log lines not written because the disk was too slow or failed.'),
        recording.current?.dropped ?? 0,
      ),
      one(
        counter('log_dropped_total', "Lines of the agent's own log that were dropped because too many waited to be read."),
        logDropped(),
      ),
      this.#certificates(),
    ];
  }

  #observe(seconds: number, now: number): void {
    this.#passedAt = now;
    if (!Number.isNaN(seconds)) this.#periods.observe(seconds);
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
    return family(
      gauge(
        'certificate_not_after_timestamp_seconds',
        'Expiry of the certificate that ssl checks of a real server saw; the soonest of several.',
        ['real_server'],
      ),
      [...soonest.keys()].map((realServer) => [realServer]),
      [...soonest.values()],
    );
  }
}
