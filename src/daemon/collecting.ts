/** Collectors in the daemon: what they read goes to scrapes, what it proves goes to the judge. */
import { collectors } from '../collect/index.ts';
import { EvidenceJoin } from '../collect/join.ts';
import { Runner } from '../collect/runner.ts';
import type { Plan } from '../model/plan.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import type { Logger } from '../sys/log.ts';
import type { Carriers } from './carrier.ts';
import type { Loop } from './loop.ts';

export interface CollectingParts {
  readonly clock: () => number;
  readonly log: Logger;
  readonly plan: () => Plan;
  readonly loop: Loop;
  readonly carriers: Carriers;
}

/** A port's word about its link holds for this many of its collector's intervals. */
const LINK_HOLDS = 3;

/** The runner of the listed collectors; it does nothing until `apply`. */
export function makeRunner({ clock, log, plan, loop, carriers }: CollectingParts): Runner {
  const join = new EvidenceJoin();
  return new Runner({
    collectors,
    context: {
      clock,
      log: (level, message, fields) => log[level](fields ?? {}, message),
      nics: () => plan().nics,
    },
    wallOffsetMs,
    onEvidence: (name, evidence, t) => {
      const { links, dataplane } = join.facts(plan(), name, evidence, t);
      const settings = plan().collectors[name];
      const holds = LINK_HOLDS * (settings ? settings.interval : 0);
      for (const { nic, carrier } of links) carriers.port(nic, carrier, clock(), holds);
      carriers.expire(clock());
      loop.onDataplane(dataplane);
    },
  });
}
