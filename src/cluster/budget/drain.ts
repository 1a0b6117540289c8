/**
 * A server that a person takes out of service as a whole: whether the fleet lets it go, and who takes over its prefixes.
 * Decided on
 * what stands in etcd at one moment; pure.
 */
import { activeAt, type CronCalendar, excusedBy, maintenanceText } from '../roster/maintenance.ts';
import type { TxnPlan } from '../txn-plan.ts';
import { type ClusterState, plain } from '../view/state.ts';
import { BUDGETS, DRAIN } from './asks.ts';
import { type BudgetView, decide, type Decision, giveUp } from './budget.ts';

export interface DrainAsk {
  readonly server: string;
  /** Who asks, for people. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** ms since 1970. */
  readonly now: number;
  readonly calendar: CronCalendar;
}

/** The view of one look: a server whose key is missing counts as gone, since nobody has looked for long enough to wait for it. */
function viewOf(state: ClusterState, { now, calendar }: Pick<DrainAsk, 'now' | 'calendar'>): BudgetView {
  const { servers } = excusedBy(activeAt(plain(state.maintenance), now, calendar));
  const rule = state.budgetRule.get(BUDGETS.server);
  return {
    ...(rule === undefined ? {} : { rule }),
    gate: state.budgetGate.get(BUDGETS.server)?.mod ?? 0,
    holders: state.budgetHolder.get(BUDGETS.server) ?? new Map(),
    roster: plain(state.roster),
    gone: (server) => {
      const planned = servers.get(server);
      if (planned !== undefined) return maintenanceText(planned);
      return state.member.has(server) ? undefined : 'absent';
    },
    announcing: (server) => state.member.get(server)?.value.ready === true,
  };
}

/** Whether this server may be drained. */
export function decideDrain(state: ClusterState, ask: DrainAsk): Decision {
  const { server, by, at } = ask;
  const boot = state.member.get(server)?.value.boot ?? 'none';
  const view = viewOf(state, ask);
  return decide({ budget: BUDGETS.server, server, subject: DRAIN, why: `drained by ${by}`, boot, at }, view);
}

/** The slot of a drain is free again; undefined: there is none. */
export function endDrain(state: ClusterState, server: string): TxnPlan | undefined {
  return giveUp(BUDGETS.server, server, DRAIN, state.budgetHolder.get(BUDGETS.server)?.get(server));
}

/** Another server, and the prefixes that it announces now by its own plan: none while it is gone, or out of service itself. */
export interface OtherServer {
  readonly name: string;
  readonly announced: readonly string[];
}

export function othersOf(state: ClusterState, ask: Pick<DrainAsk, 'server' | 'now' | 'calendar'>): readonly OtherServer[] {
  const { gone, announcing, holders } = viewOf(state, ask);
  const serves = (name: string) => gone(name) === undefined && announcing(name) && !holders.has(name);
  return [...state.roster.keys()]
    .filter((name) => name !== ask.server)
    .map((name) => ({ name, announced: serves(name) ? (state.member.get(name)?.value.prefixes ?? []) : [] }));
}
