/** What the evidence says of each NIC (R2–R5, R11) and what becomes of its verdict (R13). */
import { dataplaneCollapsed, dataplaneWorks } from './dataplane.ts';
import { addFlap, heldDownEnough, isFlapping } from './flaps.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { held, isOut, type State } from './memory.ts';

/** What the rules would say of a NIC in this pass if it had no past. */
interface Finding {
  readonly verdict: number;
  readonly cause: number;
}

const OK: Finding = { verdict: VERDICT.OK, cause: CAUSE.none };
const DEGREE = [
  VERDICT.OK,
  VERDICT.SUSPECT,
  VERDICT.DATA_PATH_FAULT,
  VERDICT.NIC_PARTIAL,
  VERDICT.PROBE_PATH_FAULT,
  VERDICT.NIC_FAIL,
  VERDICT.FLAPPING,
];

/** Called for each change of a NIC's verdict, after it was made. */
export type NicChanged = (i: number, previous: number) => void;

/**
 * Judges every NIC. `blind`: only the carrier speaks. `cold`: the same, and suspicions.
 * Rules never read what was decided (`wanted`), only evidence and the NIC's own verdict.
 */
export function judgeNics(s: State, now: number, blind: boolean, cold: boolean, changed: NicChanged): void {
  const { nics } = s;
  for (let i = 0; i < s.topology.nics.length; i++) {
    const hard = hardDown(s, i, now);
    const soft = blind ? stop(s, i) : evidence(s, i, now, cold);
    const found = hard ? { verdict: VERDICT.NIC_FAIL, cause: CAUSE.carrier } : soft;
    const well = !blind && recovering(s, i, hard);
    countFaults(s, i, now, hard, found, well);
    const next = step(s, i, now, blind, found, held(nics.recoverSince, i, well, s.clock));
    if (next === undefined || next.verdict === nics.verdict[i]) continue;
    const previous = nics.verdict[i]!;
    nics.verdict[i] = next.verdict;
    nics.cause[i] = next.cause;
    nics.at[i] = now;
    changed(i, previous);
  }
}

/** R2. A netdown result needs a second one a debounce later: one alone may be the blink of a reconfiguration. */
function hardDown(s: State, i: number, now: number): boolean {
  const { nics } = s;
  const debounce = s.rules.debounce_ms;
  if (nics.carrier[i] === 0 && now - nics.carrierT[i]! >= debounce) return true;
  return nics.netdownFirst[i]! > 0 && nics.netdownLast[i]! - nics.netdownFirst[i]! >= debounce;
}

/** Nothing is known: whatever was forming starts anew. */
function stop(s: State, i: number): Finding {
  const { nics } = s;
  for (const a of [
    nics.suspectSince,
    nics.failSince,
    nics.partialSince,
    nics.lossySince,
    nics.lossyFailSince,
    nics.collapseSince,
  ])
    a[i] = 0;
  nics.suspectT[i] = 0;
  nics.suspect[i] = 1;
  return OK;
}

/** R3, R4, R4b, R5, R11. */
function evidence(s: State, i: number, now: number, cold: boolean): Finding {
  const { nics, scan, rules, clock } = s;
  const T = s.topology.intervalMs;
  const w = scan.witnesses[i]!;
  const f = w === 0 ? 0 : scan.failing[i]! / w;
  const bad = w === 0 ? 0 : scan.latestBad[i]! / w;
  const named = anchoredFault(s, i, f);
  nics.suspect[i] = w > 0 && bad >= rules.suspect_fraction ? 1 : 0;
  if (nics.suspect[i] === 0 && !named) nics.suspectT[i] = 0;
  else if (nics.suspectT[i] === 0) nics.suspectT[i] = now;
  const publish = named || (nics.suspect[i] === 1 && (w >= rules.nic_min_witnesses || scan.anchorsBad[i]! > 0));
  const suspicious = held(nics.suspectSince, i, publish, clock) >= rules.suspect_hold_rounds * T;
  const failing = held(nics.failSince, i, !cold && named && nics.everGood[i] === 1, clock) >= rules.nic_hold_rounds * T;
  const several = scan.failing[i]! >= rules.partial_min_failing && w >= rules.nic_min_witnesses;
  const some = !cold && several && f >= rules.partial_fraction && f < rules.nic_fail_fraction;
  const partial = held(nics.partialSince, i, some, clock) >= rules.partial_hold_rounds * T;
  const loss = lossFinding(s, i, cold);
  const collapsed =
    held(
      nics.collapseSince,
      i,
      nics.suspect[i] === 0 && w > 0 && f <= rules.nic_recover_fraction && dataplaneCollapsed(s, i, now),
      clock,
    ) >=
    rules.dataplane_hold_rounds * T;
  if (failing || loss === VERDICT.NIC_FAIL) {
    if (dataplaneWorks(s, i, now)) return { verdict: VERDICT.PROBE_PATH_FAULT, cause: CAUSE.none };
    return { verdict: VERDICT.NIC_FAIL, cause: failing ? linkOrUpstream(s, i) : CAUSE.lossy };
  }
  if (loss === VERDICT.NIC_PARTIAL) return { verdict: VERDICT.NIC_PARTIAL, cause: CAUSE.lossy };
  if (partial) return { verdict: VERDICT.NIC_PARTIAL, cause: CAUSE.none };
  if (collapsed) return { verdict: VERDICT.DATA_PATH_FAULT, cause: CAUSE.none };
  if (!suspicious) return OK;
  return { verdict: VERDICT.SUSPECT, cause: named && nics.everGood[i] === 0 ? CAUSE.not_yet_valid : CAUSE.none };
}

/** R3 without its hold: enough witnesses failing; with few or none possible, the anchors must fail as well. */
function anchoredFault(s: State, i: number, f: number): boolean {
  const { scan, rules } = s;
  const w = scan.witnesses[i]!;
  const anchorsFail = scan.anchorsFresh[i]! > 0 && scan.anchorsBad[i] === scan.anchorsFresh[i];
  if (s.nics.alone[i] === 1)
    return anchorsFail && scan.rowBad[i]! > 0 && scan.rowBad[i]! >= rules.nic_fail_fraction * scan.rowValid[i]!;
  if (w === 0 || f < rules.nic_fail_fraction) return false;
  if (w < rules.nic_min_witnesses) return anchorsFail;
  return scan.witnessRacks[i] === 2 || s.racks.names.length < 2;
}

/** `link` when no anchor answers either, `upstream` when one does, `none` when there is none to ask. */
function linkOrUpstream(s: State, i: number): number {
  if (s.scan.anchorsGood[i]! > 0) return CAUSE.upstream;
  return s.scan.anchorsFresh[i]! > 0 ? CAUSE.link : CAUSE.none;
}

/** Loss over the mixed cells of a row, that of the other NICs on the same real servers, and how sure it is that they differ. */
export function lossOf(s: State, i: number): { loss: number; others: number; z: number } {
  const { scan } = s;
  const n = scan.lossResults[i]!;
  const others = scan.othersResults[i]!;
  if (n === 0 || others === 0) return { loss: n === 0 ? 0 : scan.lossLost[i]! / n, others: 0, z: 0 };
  const p1 = scan.lossLost[i]! / n;
  const p2 = scan.othersLost[i]! / others;
  const p = (scan.lossLost[i]! + scan.othersLost[i]!) / (n + others);
  const error = Math.sqrt(p * (1 - p) * (1 / n + 1 / others));
  return { loss: p1, others: p2, z: error === 0 ? 0 : (p1 - p2) / error };
}

/** R4b: NIC_FAIL, NIC_PARTIAL or OK by random loss. */
function lossFinding(s: State, i: number, cold: boolean): number {
  const { nics, scan, rules, clock } = s;
  const T = s.topology.intervalMs;
  const { loss, others, z } = lossOf(s, i);
  nics.loss[i] = scan.lossResults[i]! >= rules.lossy_min_results ? loss : 0;
  nics.rowLoss[i] = loss;
  const random = scan.lossFlips[i]! >= rules.lossy_alternation * 2 * loss * (1 - loss) * scan.lossResults[i]!;
  const returns = scan.lossReturns[i]! >= rules.nic_min_witnesses && 2 * scan.lossResults[i]! >= rules.lossy_min_results;
  nics.lossyHint[i] = returns && 2 * loss >= rules.lossy_fraction && 2 * z >= rules.lossy_z ? 1 : 0;
  const many = scan.lossResults[i]! >= rules.lossy_min_results && scan.lossCells[i]! >= rules.nic_min_witnesses;
  // Without a good result after a bad one in some cells it is an outage that has just begun, not a loss.
  const lossy = !cold && many && random && returns && loss >= rules.lossy_fraction && z >= rules.lossy_z;
  const fails = lossy && loss >= rules.lossy_fail_fraction && others < rules.lossy_fail_others_max;
  const partial = held(nics.lossySince, i, lossy, clock) >= rules.lossy_hold_rounds * T;
  if (held(nics.lossyFailSince, i, fails, clock) >= rules.lossy_fail_hold_rounds * T) return VERDICT.NIC_FAIL;
  return partial ? VERDICT.NIC_PARTIAL : VERDICT.OK;
}

/** R13: whether NIC i looks well in this pass. */
function recovering(s: State, i: number, hard: boolean): boolean {
  const { nics, scan, rules } = s;
  if (hard || nics.carrier[i] === 0 || nics.suspect[i] === 1 || nics.collapseSince[i]! > 0) return false;
  if (scan.rowBad[i] === scan.rowValid[i]) return false;
  const w = scan.witnesses[i]!;
  if (w > 0) return scan.failing[i]! <= Math.max(rules.nic_recover_fraction * w, w >= rules.nic_min_witnesses ? 1 : 0);
  // Without witnesses a dead cell may be the real server's: a good one proves the NIC when an anchor agrees, else most must be good.
  return scan.anchorsGood[i]! > 0 || (scan.anchorsFresh[i] === 0 && 2 * scan.rowBad[i]! <= scan.rowValid[i]!);
}

/** A flap is a fault that comes after the NIC looked well again, whether or not its verdict was lifted in between. */
function countFaults(s: State, i: number, now: number, hard: boolean, found: Finding, well: boolean): void {
  const { nics, rules } = s;
  if (hard && nics.hardFault[i] === 0) addFlap(s, s.flaps.nic, i, now);
  else if (!hard && found.verdict === VERDICT.NIC_FAIL && nics.softFault[i] === 0) addFlap(s, s.flaps.nic, i, now);
  if (hard) nics.hardFault[i] = 1;
  else if (nics.carrier[i] !== 0 && now - nics.carrierT[i]! >= rules.debounce_ms) nics.hardFault[i] = 0;
  if (found.verdict === VERDICT.NIC_FAIL) nics.softFault[i] = 1;
  else if (well) nics.softFault[i] = 0;
}

/** The next verdict, or undefined to keep the present one. */
function step(s: State, i: number, now: number, blind: boolean, found: Finding, wellMs: number): Finding | undefined {
  const { nics, rules } = s;
  const flapping = isFlapping(s, s.flaps.nic, i, now);
  const verdict = nics.verdict[i]!;
  const fail = found.verdict === VERDICT.NIC_FAIL;
  if ((fail || isOut(s, i)) && flapping) return { verdict: VERDICT.FLAPPING, cause: fail ? found.cause : nics.cause[i]! };
  if (fail) return isOut(s, i) ? undefined : found;
  if (blind) return undefined;
  if (verdict === VERDICT.OK || verdict === VERDICT.SUSPECT) return found;
  if (!isOut(s, i) && DEGREE.indexOf(found.verdict) > DEGREE.indexOf(verdict)) return found;
  if (verdict === VERDICT.DATA_PATH_FAULT && found.verdict === verdict) return undefined;
  // The loss is already that of a window of this length: it need not be small for as long again.
  if (wellMs < rules.nic_recover_ms || !lossIsSmall(s, i, now)) return undefined;
  const over = heldDownEnough(s, s.flaps.nic, i, now, rules.nic_hold_down_ms, rules.nic_hold_down_max_ms);
  return over ? found : undefined;
}

/** Whether the loss window is full and shows little loss. */
function lossIsSmall(s: State, i: number, now: number): boolean {
  const full = now - s.clock.windowFrom >= s.rules.lossy_window_rounds * s.topology.intervalMs;
  return full && s.nics.loss[i]! < s.rules.nic_recover_loss;
}

/** R5, after the verdicts: whose word counts about real servers. */
export function judgeTrust(s: State): void {
  const { nics, scan } = s;
  for (let i = 0; i < s.topology.nics.length; i++) {
    const alive = scan.rowValid[i]! > scan.rowBad[i]! || scan.anchorsGood[i]! > 0;
    nics.trusted[i] = !isOut(s, i) && nics.suspect[i] === 0 && alive ? 1 : 0;
  }
}
