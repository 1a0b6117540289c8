/** From what the judge decided to what the budgets are asked for, and from what they grant to what the judge may do. */
import type { PermitFact } from '../../model/facts.ts';
import type { AgentVerdict, BlockedAction } from '../../model/verdict.ts';

/** The budget of whole servers, and that of single NICs. */
export const BUDGETS = { server: 'server', nic: 'nic' } as const;

export interface Wish {
  readonly budget: (typeof BUDGETS)[keyof typeof BUDGETS];
  readonly subject: string;
  readonly why: string;
}

const nicSubject = (nic: string) => `nic ${nic}`;

/** The whole server, as a subject. */
export const SELF = 'server';

/**
 * What is wished now: the server itself while it is the ill one, and each NIC that only the missing permit holds back.
 * @param waiting NICs that the limit `semaphore` holds back
 */
export function wishesOf(frozen: '' | AgentVerdict, waiting: Iterable<string>): readonly Wish[] {
  const self: Wish[] = frozen === 'AGENT_ILL' ? [{ budget: BUDGETS.server, subject: SELF, why: 'AGENT_ILL' }] : [];
  return [...self, ...[...waiting].map((nic): Wish => ({ budget: BUDGETS.nic, subject: nicSubject(nic), why: 'NIC_FAIL' }))];
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
 * @param held subjects that this server holds in the budget of NICs
 */
export function permitsOf(
  nics: readonly string[],
  held: ReadonlySet<string>,
  given: ReadonlyMap<string, 0 | 1>,
  measuredAt: number,
): readonly Omit<PermitFact, 't'>[] {
  return nics.flatMap((name, nic): Omit<PermitFact, 't'>[] => {
    const granted = held.has(nicSubject(name)) ? 1 : 0;
    return given.get(name) === granted ? [] : [{ kind: 'permit', measuredAt, nic, granted }];
  });
}
