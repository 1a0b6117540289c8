/** R6: a real server that no trusted NIC can use is down. R13: how it comes back. */

import { BAD_LOCAL, REFUSED } from '../model/outcome.ts';
import { addFlap, heldDownEnough, isFlapping, serverHoldDown } from './flaps.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { BAD, GOOD, held, type State, UNKNOWN } from './memory.ts';

/** The verdict that a real server should have now, with its cause; undefined = as before. */
export interface Change {
  readonly verdict: number;
  readonly cause: number;
}

/** A way to judge real servers: by the latest results or by the states of their checkers. */
export interface RealServerRule {
  /**
   * The verdict that a real server should have now. No new RS_DOWN in this pass: `waits` for a storm or a cold start; `full`,
   * there are too many changes.
   */
  readonly judge: (state: State, server: number, now: number, waits: boolean, full: boolean) => Change | undefined;
  /** What its NICs say now, whatever its verdict is. */
  readonly isDown: (state: State, server: number, now: number) => boolean;
  /** The cause that its own results give: unreachable, refused or l7. */
  readonly ownCause: (state: State, server: number, now: number) => number;
}

export const byResults: RealServerRule = { judge: judgeRealServer, isDown, ownCause };

function judgeRealServer(state: State, server: number, now: number, waits: boolean, full: boolean): Change | undefined {
  const { servers, rules, flaps } = state;
  const verdict = servers.verdict[server]!;
  const well = recovered(state, server);
  if (well) servers.faulty[server] = 0;
  if (verdict === VERDICT.RS_DOWN) {
    if (!well) {
      if (servers.faulty[server] === 0 && isDown(state, server, now)) noteFault(state, server, now);
      return undefined;
    }
    if (!heldDownEnough(state, flaps.rs, server, now, serverHoldDown(rules))) return undefined;
    return { verdict: isFlapping(state, flaps.rs, server, now) ? VERDICT.FLAPPING : VERDICT.OK, cause: CAUSE.none };
  }
  const down =
    held(servers.since, server, isDown(state, server, now), state.clock) >= rules.rs_hold_rounds * servers.interval[server]!;
  if (down && !waits && !full) {
    noteFault(state, server, now);
    return { verdict: VERDICT.RS_DOWN, cause: ownCause(state, server, now) };
  }
  if (verdict === VERDICT.FLAPPING && !isFlapping(state, flaps.rs, server, now))
    return { verdict: VERDICT.OK, cause: CAUSE.none };
  return undefined;
}

function noteFault(state: State, server: number, now: number): void {
  state.servers.faulty[server] = 1;
  addFlap(state, state.flaps.rs, server, now);
}

/**
 * All trusted NICs with a valid cell say FAIL, and no NIC at all, trusted or not, had a good answer within T + timeout: what one
 * path can use is a path fault of the others.
 */
function isDown(state: State, server: number, now: number): boolean {
  const { cells, nics, servers } = state;
  const serverCount = state.topology.realServers.length;
  const recent = now - servers.interval[server]! - servers.timeout[server]!;
  let voters = 0;
  for (let nic = 0, cell = server; nic < state.topology.nics.length; nic++, cell += serverCount) {
    if (cells.serviceGoodT[cell]! >= recent) return false;
    if (nics.trusted[nic] === 0 || cells.serviceNow[cell] === UNKNOWN) continue;
    if (cells.serviceNow[cell] !== BAD) return false;
    voters++;
  }
  return voters > 0;
}

/** `rise` good answers through a trusted NIC. */
function recovered(state: State, server: number): boolean {
  const { cells, nics, servers } = state;
  const serverCount = state.topology.realServers.length;
  for (let nic = 0, cell = server; nic < state.topology.nics.length; nic++, cell += serverCount) {
    if (nics.trusted[nic] === 1 && cells.serviceNow[cell] !== UNKNOWN && cells.serviceStreak[cell]! >= servers.rise[server]!)
      return true;
  }
  return false;
}

/** `refused` or `l7` when the real server still answers a trusted NIC, else `unreachable`. */
function ownCause(state: State, server: number, now: number): number {
  const { cells, nics, servers } = state;
  const serverCount = state.topology.realServers.length;
  const recent = now - servers.interval[server]! - servers.timeout[server]!;
  let cause: number = CAUSE.unreachable;
  for (let nic = 0, cell = server; nic < state.topology.nics.length; nic++, cell += serverCount) {
    if (nics.trusted[nic] === 1 && cells.outcome[cell] === BAD_LOCAL) cause = CAUSE.l7;
    const answers = cells.linkGoodT[cell]! >= recent || (cells.linkNow[cell] === GOOD && cells.linkStreak[cell]! > 0);
    if (nics.trusted[nic] === 0 || !answers) continue;
    if (cells.goodOutcome[cell] === REFUSED) return CAUSE.refused;
    cause = CAUSE.l7;
  }
  return cause;
}
