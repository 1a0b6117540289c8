/** The governor's limits (R12), asked in this order; the first that holds a change back is the one that is named. */
import { LIMIT } from '../../model/limits.ts';
import { agentBudget, serviceBudget } from './budget.ts';
import { freeze } from './freeze.ts';
import type { Change, Limit, Pass } from './limit.ts';
import { halfNics, lastNic } from './nics.ts';
import { lastPath, serviceFloor } from './panic.ts';
import { semaphore } from './semaphore.ts';

export const limits: readonly Limit[] = [
  lastNic,
  halfNics,
  freeze,
  serviceFloor,
  serviceBudget,
  agentBudget,
  lastPath,
  semaphore,
];

/** The limits of each kind of change, with their codes. */
const of = (kind: Change['kind']) =>
  limits.filter((limit) => limit.of.includes(kind)).map((limit) => ({ limit, code: LIMIT[limit.name] }));
const LIMITS_OF = { nic: of('nic'), server: of('server'), path: of('path') };

/** Code of the first limit that holds the change back, 0 = none. */
export function limitOn(change: Change, pass: Pass): number {
  for (const { limit, code } of LIMITS_OF[change.kind]) if (limit.holdsBack(change, pass)) return code;
  return 0;
}
