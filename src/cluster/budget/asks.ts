/** From what the judge decided to what the budgets are asked for, and from what they grant to what the judge may do. */
import type { PermitFact } from '../../model/facts.ts';
import type { AgentVerdict, BlockedAction } from '../../model/verdict.ts';
import type { BudgetRule } from '../values.ts';

/** The budget of whole servers, and that of single NICs. */
export const BUDGETS = { server: 'server', nic: 'nic' } as const;
export type BudgetName = (typeof BUDGETS)[keyof typeof BUDGETS];
export const BUDGET_NAMES = Object.values(BUDGETS);

/**
 * Rules that a cluster begins with, and those by which a server decides that has not read any: a tenth of the servers, at least
 * one. A NIC that fails is half of one server: while etcd does not answer each may take one out by itself, as without a cluster.
 */
export const FIRST_RULES: Readonly<Record<BudgetName, BudgetRule>> = {
  server: { scope: 'cluster', max: { servers: 1, share: 0.1 }, floor: 1, blind: 0 },
  nic: { scope: 'cluster', max: { servers: 1, share: 0.1 }, floor: 0, blind: 1 },
};

export interface Wish {
  readonly budget: BudgetName;
  readonly subject: string;
  readonly why: string;
  /** It is out of service already. */
  readonly lost?: true;
}

/** A NIC, as a subject. */
export const nicSubject = (nic: string) => `nic ${nic}`;

/** The whole server, as a subject. */
export const SELF = 'server';

/** The whole server, drained by a person: held from `fourlane bgp drain` to `restore`, whatever the agent finds. */
export const DRAIN = 'drain';

/**
 * What is wished now: the server itself while it is the ill one, or cut off, which it does not ask for; and each NIC that only
 * the missing permit holds back.
 * @param waiting NICs that the limit `semaphore` holds back
 */
export function wishesOf(frozen: '' | AgentVerdict, waiting: Iterable<string>): readonly Wish[] {
  const self = { budget: BUDGETS.server, subject: SELF, why: frozen };
  const own: Wish[] = frozen === 'AGENT_ILL' ? [self] : frozen === 'AGENT_ISOLATED' ? [{ ...self, lost: true }] : [];
  return [...own, ...[...waiting].map((nic): Wish => ({ budget: BUDGETS.nic, subject: nicSubject(nic), why: 'NIC_FAIL' }))];
}

/** The NICs that wait for a permit, after a pass: those that did, and those that the pass has held back; not those it let go. */
export function waitingNics(
  before: ReadonlySet<string>,
  blocked: readonly BlockedAction[],
  isOut: (nic: string) => boolean,
  isWanted: (nic: string) => boolean,
): ReadonlySet<string> {
  const held = blocked.flatMap(({ action, rule }) =>
    rule === 'semaphore' && action.action === 'disable_nic' ? [action.nic] : [],
  );
  return new Set([...before, ...held].filter((nic) => !isOut(nic) && isWanted(nic)));
}

/**
 * The permits that differ from what the judge was given last.
 * @param granted subjects that may be taken out of service
 */
export function permitsOf(
  nics: readonly string[],
  granted: (subject: string) => boolean,
  given: ReadonlyMap<string, 0 | 1>,
  measuredAt: number,
): readonly Omit<PermitFact, 't'>[] {
  return nics.flatMap((name, nic): Omit<PermitFact, 't'>[] => {
    const permit = granted(nicSubject(name)) ? 1 : 0;
    return given.get(name) === permit ? [] : [{ kind: 'permit', measuredAt, nic, granted: permit }];
  });
}
