/** R6: a real server that no trusted NIC can use is down. R13: how it comes back. */

import { REFUSED } from '../model/outcome.ts';
import { addFlap, heldDownEnough, isFlapping } from './flaps.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { BAD, GOOD, held, type State, UNKNOWN } from './memory.ts';

/** The verdict that real server `j` should have now, with its cause; undefined = as before. */
export interface Change {
  readonly verdict: number;
  readonly cause: number;
}

/** Evaluates R6 and its recovery for real server `j`. `waits`: no new RS_DOWN in this pass (storm, cold start). */
export function judgeRealServer(s: State, j: number, now: number, waits: boolean): Change | undefined {
  const { servers, rules, flaps } = s;
  const verdict = servers.verdict[j]!;
  const well = recovered(s, j);
  if (well) servers.faulty[j] = 0;
  if (verdict === VERDICT.RS_DOWN) {
    if (!well) {
      if (servers.faulty[j] === 0 && isDown(s, j, now)) noteFault(s, j, now);
      return undefined;
    }
    if (!heldDownEnough(s, flaps.rs, j, now, rules.rs_hold_down_ms, rules.rs_hold_down_max_ms)) return undefined;
    return { verdict: isFlapping(s, flaps.rs, j, now) ? VERDICT.FLAPPING : VERDICT.OK, cause: CAUSE.none };
  }
  const down = held(servers.since, j, isDown(s, j, now), s.clock) >= rules.rs_hold_rounds * servers.interval[j]!;
  if (down && !waits) {
    noteFault(s, j, now);
    return { verdict: VERDICT.RS_DOWN, cause: causeOf(s, j, now) };
  }
  if (verdict === VERDICT.FLAPPING && !isFlapping(s, flaps.rs, j, now)) return { verdict: VERDICT.OK, cause: CAUSE.none };
  return undefined;
}

function noteFault(s: State, j: number, now: number): void {
  s.servers.faulty[j] = 1;
  addFlap(s, s.flaps.rs, j, now);
}

/**
 * All trusted NICs with a valid cell say FAIL, and no NIC at all, trusted or not, had a good answer within T + timeout: what one path
 * can use is a path fault of the others.
 */
function isDown(s: State, j: number, now: number): boolean {
  const { cells, nics, servers } = s;
  const m = s.topology.realServers.length;
  const recent = now - servers.interval[j]! - servers.timeout[j]!;
  let voters = 0;
  for (let i = 0, c = j; i < s.topology.nics.length; i++, c += m) {
    if (cells.serviceGoodT[c]! >= recent) return false;
    if (nics.trusted[i] === 0 || cells.serviceNow[c] === UNKNOWN) continue;
    if (cells.serviceNow[c] !== BAD) return false;
    voters++;
  }
  return voters > 0;
}

/** `rise` good answers through a trusted NIC. */
function recovered(s: State, j: number): boolean {
  const { cells, nics, servers } = s;
  const m = s.topology.realServers.length;
  for (let i = 0, c = j; i < s.topology.nics.length; i++, c += m) {
    if (nics.trusted[i] === 1 && cells.serviceNow[c] !== UNKNOWN && cells.serviceStreak[c]! >= servers.rise[j]!) return true;
  }
  return false;
}

/** `refused` or `l7` when the real server still answers a trusted NIC, else `unreachable`. */
function causeOf(s: State, j: number, now: number): number {
  const { cells, nics, servers } = s;
  const m = s.topology.realServers.length;
  const recent = now - servers.interval[j]! - servers.timeout[j]!;
  let cause: number = CAUSE.unreachable;
  for (let i = 0, c = j; i < s.topology.nics.length; i++, c += m) {
    const answers = cells.linkGoodT[c]! >= recent || (cells.linkNow[c] === GOOD && cells.linkStreak[c]! > 0);
    if (nics.trusted[i] === 0 || !answers) continue;
    if (cells.goodOutcome[c] === REFUSED) return CAUSE.refused;
    cause = CAUSE.l7;
  }
  return cause;
}
