/** R7: a real server that one NIC cannot use although another can: the fault lies on the path, and only that slice loses it. */
import { BAD_LOCAL, L7, REFUSED } from '../model/outcome.ts';
import { addFlap, heldDownEnough, serverHoldDown } from './flaps.ts';
import type { Change } from './real-server.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { BAD, GOOD, held, isOut, type State } from './memory.ts';

/** Evaluates R7 for the cell of a NIC and a real server. `waits`: no new PATH in this pass. */
export function judgePath(state: State, nic: number, server: number, now: number, waits: boolean): Change | undefined {
  const { cells, rules, servers, flaps } = state;
  const cell = nic * state.topology.realServers.length + server;
  const well = cells.serviceNow[cell] === GOOD;
  if (well) cells.pathFaulty[cell] = 0;
  if (cells.path[cell] === VERDICT.PATH) {
    if (cells.serviceNow[cell] === BAD && cells.pathFaulty[cell] === 0) noteFault(state, cell, now);
    if (!well || !heldDownEnough(state, flaps.path, cell, now, serverHoldDown(rules))) return undefined;
    return { verdict: VERDICT.OK, cause: CAUSE.none };
  }
  const faulty =
    held(cells.pathSince, cell, isPathFault(state, nic, server, cell), state.clock) >=
    rules.path_hold_rounds * servers.interval[server]!;
  if (!faulty || waits || !seenSince(state, server, cells.serviceBadT[cell]!)) return undefined;
  noteFault(state, cell, now);
  return { verdict: VERDICT.PATH, cause: causeOf(state, cell) };
}

function noteFault(state: State, cell: number, now: number): void {
  state.cells.pathFaulty[cell] = 1;
  addFlap(state, state.flaps.path, cell, now);
}

function isPathFault(state: State, nic: number, server: number, cell: number): boolean {
  const { cells, scan, servers } = state;
  if (cells.serviceNow[cell] !== BAD || cells.serviceStreak[cell]! >= 0) return false;
  // When a real server comes back its NICs see that one after the other: only a probe begun since another saw it good says
  // anything.
  const goodT = servers.goodT[server]!;
  if (scan.serviceGood[server] === 0 || goodT === 0 || cells.serviceT[cell]! - servers.timeout[server]! < goodT) return false;
  if (state.topology.realServers[server]!.checker !== undefined && !seenSince(state, server, lastHope(state, server, cell)))
    return false;
  return rowAllows(state, nic) && !isRandomLoss(state, nic, cell);
}

/** Whether another NIC has seen it good since: an older result may be of a time when this one did so too. */
function seenSince({ cells, topology }: State, server: number, since: number): boolean {
  for (let other = server; other < cells.link.length; other += topology.realServers.length)
    if (cells.serviceGoodT[other]! > since) return true;
  return false;
}

/** Probes of a checker may be far apart: when this cell can last have been good. */
function lastHope({ cells, servers }: State, server: number, cell: number): number {
  return cells.serviceGoodT[cell]! + servers.interval[server]! + servers.timeout[server]!;
}

/** Whether the row is not, as a whole, a matter of the NIC rules. */
function rowAllows(state: State, nic: number): boolean {
  const { nics, scan, rules } = state;
  const witnesses = scan.witnesses[nic]!;
  // A failed NIC that is coming back gets its dead paths out before it carries traffic again.
  if (isOut(state, nic)) return nics.recoverSince[nic]! > 0;
  // Too few witnesses for a NIC verdict: unless the anchors fail too, the path is all that can be named.
  if (witnesses < rules.nic_min_witnesses) return scan.anchorsFresh[nic] === 0 || scan.anchorsGood[nic]! > 0;
  if (scan.latestBad[nic]! >= rules.path_row_fraction * witnesses) return false;
  return nics.trusted[nic] === 1 || nics.verdict[nic] === VERDICT.NIC_PARTIAL || nics.partialSince[nic]! > 0;
}

/** Below this chance a row of losses in one cell of a lossy NIC is no accident. */
const CHANCE = 1e-4;

/** On a lossy NIC, or one that begins to look so, a cell's failures are the NIC's unless chance can't explain them. */
function isRandomLoss(state: State, nic: number, cell: number): boolean {
  const { cells, nics } = state;
  const named = nics.cause[nic] === CAUSE.lossy && nics.verdict[nic] !== VERDICT.OK;
  if (!named && nics.lossyHint[nic] === 0) return false;
  return cells.windowLost[cell]! < cells.windowResults[cell]! || nics.rowLoss[nic]! ** cells.windowResults[cell]! > CHANCE;
}

function causeOf(state: State, cell: number): number {
  const outcome = state.cells.outcome[cell]!;
  if (state.cells.linkNow[cell] === BAD) return CAUSE.link;
  if (outcome === REFUSED) return CAUSE.refused;
  return outcome === L7 || outcome === BAD_LOCAL ? CAUSE.l7 : CAUSE.link;
}
