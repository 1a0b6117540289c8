/** Single changes by a person, as transactions that somebody else's change makes fail: roster, maintenance, poison, budgets. */
import { FourlaneError } from '../../model/errors.ts';
import { BUDGET_NAMES, FIRST_RULES } from '../budget/asks.ts';
import { keyOf } from '../keys.ts';
import { put, type TxnPlan } from '../txn-plan.ts';
import type { BudgetRule, Maintenance, RosterEntry } from '../values.ts';
import type { ClusterState } from '../view/state.ts';

const notFound = (message: string) => new FourlaneError('NOT_FOUND', message);
const listed = (names: Iterable<string>) => [...names].toSorted().slice(0, 20).join(', ') || 'none';

/** A server is expected, or expected in another place. */
export function putRoster(state: ClusterState, server: string, entry: RosterEntry): TxnPlan {
  const mod = state.roster.get(server)?.mod ?? 0;
  return { compare: [{ key: keyOf('roster', server), mod }], writes: [put('roster', [server], entry)] };
}

/** A server is expected no more; what it holds of a budget no longer counts. Throws NOT_FOUND. */
export function removeRoster(state: ClusterState, server: string): TxnPlan {
  const found = state.roster.get(server);
  if (found === undefined) throw notFound(`server ${server} is in no roster; there are: ${listed(state.roster.keys())}`);
  const key = keyOf('roster', server);
  return { compare: [{ key, mod: found.mod }], writes: [{ op: 'delete', key }] };
}

/** Throws NOT_FOUND when the subject's server is in no roster, CLUSTER_CONFLICT when the id is taken. */
export function beginMaintenance(state: ClusterState, id: string, entry: Maintenance): TxnPlan {
  const { subject } = entry;
  if ('server' in subject && !state.roster.has(subject.server))
    throw notFound(`server ${subject.server} is in no roster; there are: ${listed(state.roster.keys())}`);
  const taken = state.maintenance.get(id)?.value;
  if (taken !== undefined)
    throw new FourlaneError(
      'CLUSTER_CONFLICT',
      `there is a maintenance ${id} already, of ${taken.by}: ${taken.why}; end it, or name another`,
    );
  return { compare: [{ key: keyOf('maintenance', id), create: 0 }], writes: [put('maintenance', [id], entry)] };
}

/** Ends a maintenance before its time. Throws NOT_FOUND. */
export function endMaintenance(state: ClusterState, id: string): TxnPlan {
  const found = state.maintenance.get(id);
  if (found === undefined) throw notFound(`there is no maintenance ${id}; there are: ${listed(state.maintenance.keys())}`);
  const key = keyOf('maintenance', id);
  return { compare: [{ key, mod: found.mod }], writes: [{ op: 'delete', key }] };
}

/** Nobody is to run this root. Undefined = it is poison already. */
export function putPoison(state: ClusterState, root: string, who: { by: string; at: string; why: string }): TxnPlan | undefined {
  if (state.poison.has(root)) return undefined;
  return { compare: [{ key: keyOf('poison', root), create: 0 }], writes: [put('poison', [root], who)] };
}

/** It may be tried again. A server on which it crashed still refuses it, from its own disk. Throws NOT_FOUND. */
export function removePoison(state: ClusterState, root: string): TxnPlan {
  const found = state.poison.get(root);
  if (found === undefined) throw notFound(`the root ${root} is not poison`);
  const key = keyOf('poison', root);
  return { compare: [{ key, mod: found.mod }], writes: [{ op: 'delete', key }] };
}

/** How much may be gone at once from now on; who holds a slot keeps it. Throws NOT_FOUND for a budget that nothing asks. */
export function putBudget(state: ClusterState, name: string, change: Partial<BudgetRule>): TxnPlan {
  const budget = BUDGET_NAMES.find((each) => each === name);
  if (budget === undefined) throw notFound(`there is no budget ${name}; there are: ${BUDGET_NAMES.join(', ')}`);
  const before = state.budgetRule.get(budget);
  const rule = { ...FIRST_RULES[budget], ...before?.value, ...change };
  return { compare: [{ key: keyOf('budgetRule', budget), mod: before?.mod ?? 0 }], writes: [put('budgetRule', [budget], rule)] };
}

/** The budgets that are missing. */
export function firstBudgets(state: ClusterState): readonly TxnPlan[] {
  return BUDGET_NAMES.filter((budget) => !state.budgetRule.has(budget)).map((budget) => ({
    compare: [{ key: keyOf('budgetRule', budget), create: 0 }],
    writes: [put('budgetRule', [budget], FIRST_RULES[budget])],
  }));
}
