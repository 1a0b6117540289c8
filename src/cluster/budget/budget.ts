/**
 * Budgets of real capacity: asked before something that works is taken out of service. Whoever is gone counts, whoever took him
 * out; what is lost already needs no permission, it only leaves less for others. A holder has no lease: a dead one has no
 * capacity either. Its slot is free again when it comes back and gives it up, or when a person removes it from the roster.
 */
import { keyOf } from '../keys.ts';
import { type Fenced, type Held, put, type TxnPlan } from '../txn-plan.ts';
import type { BudgetHolder, BudgetRule, RosterEntry } from '../values.ts';

export interface BudgetView {
  readonly rule?: Held<BudgetRule>;
  /** Mod revision of the gate; 0 = nobody was ever granted anything. */
  readonly gate: number;
  readonly holders: ReadonlyMap<string, Fenced<BudgetHolder>>;
  readonly roster: ReadonlyMap<string, RosterEntry>;
  /** Why a server has no capacity: absent or in maintenance; undefined = it has. */
  readonly gone: (server: string) => string | undefined;
  /** Whether it is there and ready. */
  readonly announcing: (server: string) => boolean;
}

/** An act that needs a budget. */
export interface Ask {
  readonly budget: string;
  readonly server: string;
  /** `server`, `nic eth2`. */
  readonly subject: string;
  readonly why: string;
  readonly boot: string;
  readonly at: string;
  /** It is out of service already, whoever would have to allow it: it is only counted. */
  readonly lost?: true;
}

interface Counted {
  /** Servers of the scope that are gone or hold, the asker aside. */
  readonly used: readonly string[];
  readonly max: number;
  /** Servers of the scope, the asker aside, that go on announcing. */
  readonly left: number;
}

export type Decision =
  | ({ readonly granted: true; readonly txn: TxnPlan; readonly text: string } & Counted)
  | ({
      readonly granted: false;
      readonly reason: 'no_rule' | 'not_in_roster' | 'full' | 'floor';
      /** What is used, by whom, and what is allowed. */
      readonly text: string;
    } & Counted);

/** The servers that share a budget with this one. */
function scopeOf(server: string, { scope }: BudgetRule, roster: ReadonlyMap<string, RosterEntry>): readonly string[] {
  const own = roster.get(server);
  if (scope === 'cluster' || own === undefined) return [...roster.keys()];
  const isIn = (entry: RosterEntry) => entry.site === own.site && (scope === 'site' || entry.rack === own.rack);
  return [...roster].filter(([, entry]) => isIn(entry)).map(([name]) => name);
}

/** Most servers of `size` that may be gone at once. */
export function maxOf({ max }: BudgetRule, size: number): number {
  return Math.max(max.servers ?? 0, Math.floor((max.share ?? 0) * size + 1e-9));
}

/** What a budget has left for a server. */
export function countFor(server: string, rule: BudgetRule, view: Omit<BudgetView, 'rule' | 'gate'>): Counted {
  const scope = scopeOf(server, rule, view.roster);
  const others = scope.filter((each) => each !== server);
  const used = others.filter((each) => view.holders.has(each) || view.gone(each) !== undefined);
  const isUsed = new Set(used);
  const left = others.filter((each) => !isUsed.has(each) && view.announcing(each)).length;
  return { used: used.toSorted(), max: maxOf(rule, scope.length), left };
}

/**
 * Decides on one ask, from what stood in etcd at one revision. A grant is a transaction that fails when anybody was granted
 * anything since, or the rule was changed; then the asker reads again.
 */
export function decide(ask: Ask, view: BudgetView): Decision {
  const { budget, server, subject, lost } = ask;
  const { rule, holders } = view;
  const nothing = { used: [], max: 0, left: 0 };
  const refuse = (reason: (Decision & { granted: false })['reason'], text: string, counted: Counted = nothing): Decision => ({
    granted: false,
    reason,
    text,
    ...counted,
  });
  if (rule === undefined) return refuse('no_rule', `there is no budget "${budget}"; make one: fourlane cluster init`);
  if (!view.roster.has(server)) return refuse('not_in_roster', `${server} is in no roster; add it first`);
  const own = holders.get(server);
  const counted = countFor(server, rule.value, view);
  const { used, max, left } = counted;
  // Who holds already takes nothing more from anybody.
  const isFree = own !== undefined || lost === true;
  if (!isFree && used.length >= max)
    return refuse('full', `budget "${budget}": ${used.length} of at most ${max} are gone: ${nameSome(used)}`, counted);
  if (!isFree && left < rule.value.floor)
    return refuse(
      'floor',
      `budget "${budget}": ${left} others would go on announcing; at least ${rule.value.floor} must`,
      counted,
    );
  return {
    granted: true,
    text: `budget "${budget}": ${used.length + 1} of at most ${max} for ${subject}`,
    txn: grant(ask, view, rule),
    ...counted,
  };
}

function grant({ budget, server, subject, why, boot, at }: Ask, view: BudgetView, rule: Held<BudgetRule>): TxnPlan {
  const own = view.holders.get(server);
  const subjects = [...new Set([...(own?.value.subjects ?? []), subject])];
  return {
    compare: [
      { key: keyOf('budgetRule', budget), mod: rule.mod },
      { key: keyOf('budgetGate', budget), mod: view.gate },
      { key: keyOf('budgetHolder', budget, server), mod: own?.mod ?? 0 },
    ],
    writes: [
      put('budgetGate', [budget], { by: server, at }),
      put('budgetHolder', [budget, server], { by: server, at, why, boot, subjects, state: own?.value.state ?? 'asked' }),
    ],
  };
}

/** The holder gives up a subject, and its slot with the last one. Nothing when it does not hold it. */
export function giveUp(
  budget: string,
  server: string,
  subject: string,
  own: Fenced<BudgetHolder> | undefined,
): TxnPlan | undefined {
  if (own === undefined || !own.value.subjects.includes(subject)) return undefined;
  const key = keyOf('budgetHolder', budget, server);
  const subjects = own.value.subjects.filter((each) => each !== subject);
  const last =
    subjects.length === 0 ? { op: 'delete' as const, key } : put('budgetHolder', [budget, server], { ...own.value, subjects });
  return { compare: [{ key, mod: own.mod }], writes: [last] };
}

/** The holder has acted. */
export function acted(budget: string, server: string, own: Fenced<BudgetHolder>): TxnPlan {
  const key = keyOf('budgetHolder', budget, server);
  return { compare: [{ key, mod: own.mod }], writes: [put('budgetHolder', [budget, server], { ...own.value, state: 'acted' })] };
}

/**
 * Whether an act is allowed while etcd does not answer: only as many as the rule that was read last grants to each server by
 * itself; without one none.
 * @param taken acts that were allowed so and are not undone
 */
export function decideBlind(rule: BudgetRule | undefined, taken: number): { readonly granted: boolean; readonly text: string } {
  const most = rule?.blind ?? 0;
  const granted = taken < most;
  return {
    granted,
    text: `etcd does not answer: ${granted ? taken + 1 : taken} of ${most} acts that each server may make by itself`,
  };
}

function nameSome(servers: readonly string[]): string {
  return servers.length > 5 ? `${servers.slice(0, 5).join(', ')}, …` : servers.join(', ');
}
