/**
 * What is in place by the ledgers alone: of an agent that ended before it saved its state. What the plan does not have any more
 * is undone then.
 */
import type { Plan } from '../model/plan.ts';
import { Ledger } from './bgp/ledger.ts';
import { ledgerFiles } from './bgp/spec.ts';
import { effect, ENTRIES, ledgerOf, NO_VERDICT } from './effects.ts';
import { madeVips } from './ipvs/made.ts';
import type { AppliedState } from './state.ts';
import { valueOf } from './value.ts';

type Applied = AppliedState['applied'][number];

/** Never rejects: of a ledger that can't be read, the first call says why. */
export async function leftBefore(plan: Plan): Promise<AppliedState> {
  return { version: 1, applied: [...entriesOf(plan, await madeVips(ledgerOf(plan))), ...(await sessionsOf(plan))] };
}

function entriesOf(plan: Plan, vips: readonly string[]): readonly Applied[] {
  const spec = { type: ENTRIES, keepalived: 'leave', ledger: ledgerOf(plan) };
  return vips.map((vip) => {
    const known = effect(plan, { kind: 'service', spec, service: vip, vip }, 'enabled', NO_VERDICT);
    return { effect: known, value: valueOf(known) };
  });
}

/** Sessions that were shut: in place, so that a NIC that is well gets them back. */
async function sessionsOf(plan: Plan): Promise<readonly Applied[]> {
  const ledger = await Ledger.read(ledgerFiles(plan).ledger).catch(() => undefined);
  return [...(ledger?.records.values() ?? [])].flatMap(({ nic, spec }) => {
    if (nic === undefined) return [];
    const known = effect(plan, { kind: 'nic', spec, nic }, 'failed', NO_VERDICT);
    return [{ effect: known, value: valueOf(known) }];
  });
}
