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

const PLANNED = gauge('cluster_maintenance', '1 while maintenance of a server, or of one of its NICs, holds.', ['of', 'nic']);
const PLANNED_REAL = gauge('cluster_real_server_maintenance', '1 while maintenance of a real server holds.', ['real_server']);

let subjects: readonly (readonly string[])[] = [];
let realServers: readonly (readonly string[])[] = [];

/** The same object while they are the same. */
const kept = (before: typeof subjects, now: typeof subjects) => (JSON.stringify(before) === JSON.stringify(now) ? before : now);

export function fleetFamilies({ budgets, refusals, written, bad, witnesses, planned }: FleetShown): readonly Family[] {
  const one = (metric: Metric, value: number) => family(metric, ONE_ROW, [value]);
  const rows = budgets.map(({ budget }) => [budget]);
  subjects = kept(subjects, [...new Map(planned.servers.map((each) => [each.join(' '), each])).values()]);
  realServers = kept(
    realServers,
    [...new Set(planned.realServers)].map((each) => [each]),
  );
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
    family(
      PLANNED,
      subjects,
      subjects.map(() => 1),
    ),
    family(
      PLANNED_REAL,
      realServers,
      realServers.map(() => 1),
    ),
  ];
}
