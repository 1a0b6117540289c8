/** Series of a server among the others: what it says, who can tell, and what the budgets grant and refuse. */
import type { FleetShown } from '../cluster/fleet/fleet.ts';
import { counter, type Family, family, gauge, type Metric, ONE_ROW } from '../model/family.ts';

const BAD = gauge('cluster_evidence_bad', 'Real servers that this server tells the others are bad; 0 while it doubts itself.');
const WRITTEN = counter('cluster_evidence_written_total', 'Times that this server wrote what it finds.');
const WITNESSES = gauge('cluster_witnesses', 'Other load balancers that can tell what they find of the real servers.');
const HELD = gauge('cluster_budget_held', 'Subjects (the server, or NICs) that this server may take out of service.', ['budget']);
const DENIED = gauge('cluster_budget_denied', 'Subjects that this server wishes to take out of service, and may not.', [
  'budget',
]);
const REFUSALS = counter('cluster_budget_refusals_total', 'Wishes to take something out of service that were refused.');

export function fleetFamilies({ budgets, refusals, written, bad, witnesses }: FleetShown): readonly Family[] {
  const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
  const rows = budgets.map(({ budget }) => [budget]);
  return [
    one(BAD, bad),
    one(WRITTEN, written),
    one(WITNESSES, witnesses),
    family(
      HELD,
      rows,
      budgets.map(({ held }) => held.length),
    ),
    family(
      DENIED,
      rows,
      budgets.map(({ denied }) => denied.length),
    ),
    one(REFUSALS, refusals),
  ];
}
