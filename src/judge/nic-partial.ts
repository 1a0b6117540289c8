/** R4: part of a NIC's row fails: a member of a bond, an ECMP bucket, a filter for a subset. */
import { BAD, held, type State } from './memory.ts';

/** A result that is missing is passed over for this many times the age at which a cell is UNKNOWN; then it is a gap. */
const PATIENCE = 2;

/** Whether R4 has held for long enough; moves its clock. */
export function isPartial(state: State, nic: number, now: number, cold: boolean): boolean {
  const { nics, scan, rules, clock, topology } = state;
  const some = isSome(state, scan.failing[nic]!, scan.witnesses[nic]!);
  const lasts = some || (nics.partialSince[nic]! > 0 && isSomeAsLastKnown(state, nic, now));
  const rounds = held(nics.partialSince, nic, !cold && lasts, clock) / topology.intervalMs;
  return some && rounds >= rules.partial_hold_rounds;
}

/** R4 without its hold. */
function isSome({ rules }: State, failing: number, witnesses: number): boolean {
  if (witnesses < rules.nic_min_witnesses || failing < rules.partial_min_failing) return false;
  const share = failing / witnesses;
  return share >= rules.partial_fraction && share < rules.nic_fail_fraction;
}

/**
 * The same, where a path that failed goes on to count while it, or its witness, is UNKNOWN since a moment ago: a result that came
 * late, or a check that could not be made, does not show that the fault is over. What was good counts only while it is known: a
 * further good result must never be what makes a NIC look worse (P7).
 */
function isSomeAsLastKnown(state: State, nic: number, now: number): boolean {
  const { cells, scan, topology } = state;
  const serverCount = topology.realServers.length;
  let failing = 0;
  for (let server = 0, cell = nic * serverCount; server < serverCount; server++, cell++) {
    const failed = cells.link[cell] === BAD && isRecent(state, cell, server, now);
    if (failed && answersElsewhere(state, nic, server, now)) failing++;
  }
  const good = scan.witnesses[nic]! - scan.failing[nic]!;
  return isSome(state, failing, failing + good);
}

/** R1 for what was known last. */
function answersElsewhere(state: State, nic: number, server: number, now: number): boolean {
  const { cells, nics, topology } = state;
  for (let other = 0, cell = server; other < topology.nics.length; other++, cell += topology.realServers.length)
    if (nics.group[other] !== nics.group[nic] && cells.linkStreak[cell]! > 0 && isRecent(state, cell, server, now)) return true;
  return false;
}

function isRecent({ cells, servers }: State, cell: number, server: number, now: number): boolean {
  return cells.linkT[cell]! >= now - PATIENCE * servers.limit[server]!;
}
