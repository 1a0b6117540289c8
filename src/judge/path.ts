/** R7: a real server that one NIC cannot use although another can: the fault lies on the path, and only that slice loses it. */
import { L7, REFUSED } from '../model/outcome.ts';
import { addFlap, heldDownEnough } from './flaps.ts';
import type { Change } from './real-server.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { BAD, GOOD, held, isOut, type State } from './memory.ts';

/** Evaluates R7 for the cell of NIC `i` and real server `j`. `waits`: no new PATH in this pass. */
export function judgePath(s: State, i: number, j: number, now: number, waits: boolean): Change | undefined {
  const { cells, rules, servers, flaps } = s;
  const c = i * s.topology.realServers.length + j;
  const well = cells.serviceNow[c] === GOOD;
  if (well) cells.pathFaulty[c] = 0;
  if (cells.path[c] === VERDICT.PATH) {
    if (cells.serviceNow[c] === BAD && cells.pathFaulty[c] === 0) noteFault(s, c, now);
    if (!well || !heldDownEnough(s, flaps.path, c, now, rules.rs_hold_down_ms, rules.rs_hold_down_max_ms)) return undefined;
    return { verdict: VERDICT.OK, cause: CAUSE.none };
  }
  const faulty = held(cells.pathSince, c, isPathFault(s, i, j, c), s.clock) >= rules.path_hold_rounds * servers.interval[j]!;
  if (!faulty || waits) return undefined;
  noteFault(s, c, now);
  return { verdict: VERDICT.PATH, cause: causeOf(s, c) };
}

function noteFault(s: State, c: number, now: number): void {
  s.cells.pathFaulty[c] = 1;
  addFlap(s, s.flaps.path, c, now);
}

function isPathFault(s: State, i: number, j: number, c: number): boolean {
  const { cells, scan, servers } = s;
  if (cells.serviceNow[c] !== BAD || cells.serviceStreak[c]! >= 0) return false;
  // When a real server comes back its NICs see that one after the other: only a probe begun since another saw it good says anything.
  const goodT = servers.goodT[j]!;
  if (scan.serviceGood[j] === 0 || goodT === 0 || cells.serviceT[c]! - servers.timeout[j]! < goodT) return false;
  return rowAllows(s, i) && !isRandomLoss(s, i, c);
}

/** Whether the row is not, as a whole, a matter of the NIC rules. */
function rowAllows(s: State, i: number): boolean {
  const { nics, scan, rules } = s;
  const w = scan.witnesses[i]!;
  // A failed NIC that is coming back gets its dead paths out before it carries traffic again.
  if (isOut(s, i)) return nics.recoverSince[i]! > 0;
  // Too few witnesses for a NIC verdict: unless the anchors fail too, the path is all that can be named.
  if (w < rules.nic_min_witnesses) return scan.anchorsFresh[i] === 0 || scan.anchorsGood[i]! > 0;
  if (scan.latestBad[i]! >= rules.path_row_fraction * w) return false;
  return nics.trusted[i] === 1 || nics.verdict[i] === VERDICT.NIC_PARTIAL || nics.partialSince[i]! > 0;
}

/** Below this chance a row of losses in one cell of a lossy NIC is no accident. */
const CHANCE = 1e-4;

/** On a lossy NIC, or one that begins to look so, a cell's failures are the NIC's unless chance can't explain them. */
function isRandomLoss(s: State, i: number, c: number): boolean {
  const { cells, nics } = s;
  const named = nics.cause[i] === CAUSE.lossy && nics.verdict[i] !== VERDICT.OK;
  if (!named && nics.lossyHint[i] === 0) return false;
  return cells.windowLost[c]! < cells.windowResults[c]! || nics.rowLoss[i]! ** cells.windowResults[c]! > CHANCE;
}

function causeOf(s: State, c: number): number {
  const outcome = s.cells.outcome[c]!;
  if (s.cells.linkNow[c] === BAD) return CAUSE.link;
  return outcome === REFUSED ? CAUSE.refused : outcome === L7 ? CAUSE.l7 : CAUSE.link;
}
