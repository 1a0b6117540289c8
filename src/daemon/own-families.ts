/** Families of the daemon itself: the judge's turns, what could not be saved or logged, certificates seen. */
import type { Lanes } from '../lanes/lanes.ts';
import { counter, type Family, type FamilySource, family, gauge, histogram, type Metric, ONE_ROW } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import type { Loop } from './loop.ts';

export interface OwnParts {
  readonly plan: () => Plan;
  readonly lanes: Pick<Lanes, 'certificates'>;
  readonly loop: Pick<Loop, 'durations'>;
  readonly stateError: () => string;
  readonly evidenceDropped: () => number;
  readonly logDropped: () => number;
}

export class OwnFamilies implements FamilySource {
  readonly #p: OwnParts;

  constructor(parts: OwnParts) {
    this.#p = parts;
  }

  families(): readonly Family[] {
    const { loop, stateError, evidenceDropped, logDropped } = this.#p;
    const { values, bounds } = loop.durations;
    const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
    return [
      family(histogram('judge_duration_seconds', 'Duration of judge passes.'), ONE_ROW, values, bounds),
      one(gauge('state_save_failed', '1 while the state file cannot be written.'), Number(stateError() !== '')),
      one(
        counter('evidence_dropped_total', 'Evidence log lines not written because the disk was too slow or failed.'),
        evidenceDropped(),
      ),
      one(
        counter('log_dropped_total', "Lines of the agent's own log that were dropped because too many waited to be read."),
        logDropped(),
      ),
      this.#certificates(),
    ];
  }

  /** The soonest expiry of each real server: several ssl profiles may see several certificates. */
  #certificates(): Family {
    const { plan, lanes } = this.#p;
    const soonest = new Map<string, number>();
    for (const target of plan().targets) {
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
