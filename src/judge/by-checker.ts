/**
 * R6 by the states of keepalived's checkers: each cell follows the checker of its real server (`results.ts`), and the real server
 * is down when every NIC that can tell says so. No hold, hold-down, slow start or flapping: that is in the checker or not at all.
 */
import { hasRun } from '../model/checker.ts';
import { BAD_LOCAL, REFUSED } from '../model/outcome.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { BAD, GOOD, type State, UNKNOWN } from './memory.ts';
import type { Change } from './real-server.ts';

/** What holds new verdicts back: a storm or a cold start; too many in this pass. */
interface Held {
  readonly waits: boolean;
  readonly full: boolean;
}

/** The verdict that a real server with a checker should have now; undefined = as before. */
export function judgeByChecker(state: State, server: number, now: number, { waits, full }: Held): Change | undefined {
  if (state.servers.verdict[server] === VERDICT.RS_DOWN)
    return isGood(state, server) ? { verdict: VERDICT.OK, cause: CAUSE.none } : undefined;
  if (full) return undefined;
  // It is down without evidence, so there is none to wait for.
  if (startsDown(state, server)) return { verdict: VERDICT.RS_DOWN, cause: CAUSE.unreachable };
  return !waits && isDown(state, server, now) ? { verdict: VERDICT.RS_DOWN, cause: causeOf(state, server) } : undefined;
}

/** Whether it has to be down because it has not been seen yet: alpha. */
export function startsDown({ topology, servers, checkers, nics }: State, server: number): boolean {
  if (checkers.length === 0 || topology.realServers[server]!.checker?.alpha !== true) return false;
  if (servers.verdict[server] !== VERDICT.OK) return false;
  const width = topology.realServers.length;
  for (let nic = 0; nic < nics.verdict.length; nic++) if (hasRun(checkers[nic * width + server]!)) return false;
  return true;
}

/** The checker of a trusted NIC is up, by its latest result: one that could not tell meanwhile may be up only from before. */
function isGood({ cells, nics, topology }: State, server: number): boolean {
  for (let nic = 0, cell = server; nic < topology.nics.length; nic++, cell += topology.realServers.length)
    if (nics.trusted[nic] === 1 && cells.serviceNow[cell] === GOOD && cells.serviceStreak[cell]! > 0) return true;
  return false;
}

/**
 * The checkers of all trusted NICs that can tell are down, each of which has had its first chance, and the latest answer through
 * no NIC at all is good: what one path can use is a path fault of the others.
 */
function isDown({ cells, nics, servers, topology }: State, server: number, now: number): boolean {
  const width = topology.realServers.length;
  let voters = 0;
  for (let nic = 0, cell = server; nic < topology.nics.length; nic++, cell += width) {
    const known = cells.serviceNow[cell]!;
    if (cells.serviceStreak[cell]! > 0 && cells.serviceT[cell]! >= now - servers.limit[server]!) return false;
    if (nics.trusted[nic] === 0) continue;
    const began = Math.max(nics.born[nic]!, servers.born[server]!);
    if (known === GOOD || (cells.t[cell] === 0 && now < began + servers.limit[server]!)) return false;
    if (known === BAD) voters++;
  }
  return voters > 0;
}

/** `refused` or `l7` when its latest answer through a trusted NIC is one, else `unreachable`. */
function causeOf({ cells, nics, topology }: State, server: number): number {
  const width = topology.realServers.length;
  let cause: number = CAUSE.unreachable;
  for (let nic = 0, cell = server; nic < topology.nics.length; nic++, cell += width) {
    if (nics.trusted[nic] === 0 || cells.serviceNow[cell] === UNKNOWN) continue;
    if (cells.linkStreak[cell]! > 0 && cells.goodOutcome[cell] === REFUSED) return CAUSE.refused;
    if (cells.linkStreak[cell]! > 0 || cells.outcome[cell] === BAD_LOCAL) cause = CAUSE.l7;
  }
  return cause;
}
