/** What the evidence shows of each NIC (R2–R5, R11, R15) and what becomes of its verdict (R13). */
import { CAUSE, VERDICT, VERDICT_TABLE, VERDICTS } from '../model/verdicts.ts';
import { dataplaneCollapsed, dataplaneShows, provenMs, waitsForDataplane } from './dataplane.ts';
import { addFlap, heldDownEnough, isFlapping } from './flaps.ts';
import { held, isOut, type State } from './memory.ts';
import { lossKind } from './nic-loss.ts';
import { isPartial } from './nic-partial.ts';
import { isDeceived } from './routing.ts';

/** What the rules would give a NIC in this pass if it had no past. */
interface Finding {
  readonly verdict: number;
  readonly cause: number;
}

const OK: Finding = { verdict: VERDICT.OK, cause: CAUSE.none };
/** By code: a NIC's verdict only rises until it has recovered. */
const RANK = VERDICTS.map((name) => VERDICT_TABLE[name].rank ?? 0);

/** What is known of the agent itself: `blind`: only the carrier speaks; `cold`: the same, and suspicions. */
export interface Sight {
  readonly blind: boolean;
  readonly cold: boolean;
}

/** Called for each change of a NIC's verdict, after it was made. */
export type NicChanged = (nic: number, previous: number) => void;

/** Judges every NIC. Rules never read what was decided (`wanted`), only evidence and the NIC's own verdict. */
export function judgeNics(state: State, now: number, sight: Sight, changed: NicChanged): void {
  const { nics } = state;
  for (let nic = 0; nic < state.topology.nics.length; nic++) {
    const hard = hardDown(state, nic, now);
    if (sight.blind) forget(state, nic);
    const soft = sight.blind ? OK : find(state, nic, now, observe(state, nic, now, sight.cold));
    const found = hard ? { verdict: VERDICT.NIC_FAIL, cause: CAUSE.carrier } : soft;
    const well = !sight.blind && recovering(state, nic, hard);
    countFaults(state, nic, now, { hard, well, fails: found.verdict === VERDICT.NIC_FAIL });
    const wellMs = held(nics.recoverSince, nic, well, state.clock);
    const proven = provenMs(state, nic, found.verdict === VERDICT.PROBE_PATH_FAULT);
    const next = nextVerdict(state, nic, now, { found, wellMs, provenMs: proven, blind: sight.blind });
    if (next === undefined || next.verdict === nics.verdict[nic]) continue;
    const previous = nics.verdict[nic]!;
    nics.verdict[nic] = next.verdict;
    nics.cause[nic] = next.cause;
    nics.at[nic] = now;
    changed(nic, previous);
  }
}

/** R2. A netdown result needs a second one a debounce later: one alone may be the blink of a reconfiguration. */
function hardDown({ nics, rules }: State, nic: number, now: number): boolean {
  const debounce = rules.debounce_ms;
  if (nics.carrier[nic] === 0 && now - nics.carrierT[nic]! >= debounce) return true;
  return nics.netdownFirst[nic]! > 0 && nics.netdownLast[nic]! - nics.netdownFirst[nic]! >= debounce;
}

/** Nothing is known: whatever was forming starts again. */
function forget({ nics }: State, nic: number): void {
  const { suspectSince, failSince, partialSince, lossySince, lossyFailSince, collapseSince, waitSince, suspectT, suspect } = nics;
  nics.bfdSince[nic] = 0;
  for (const since of [suspectSince, failSince, partialSince, lossySince, lossyFailSince, collapseSince, waitSince])
    since[nic] = 0;
  suspectT[nic] = 0;
  suspect[nic] = 1;
}

/** Which rules hold for long enough in this pass. */
interface Observed {
  /** R3: it fails by its witnesses and anchors. */
  readonly fails: boolean;
  /** The same before its hold. */
  readonly named: boolean;
  /** R4 */
  readonly partial: boolean;
  /** R4b: NIC_FAIL, NIC_PARTIAL or OK by random loss. */
  readonly loss: number;
  /** R5: to be published. */
  readonly suspicious: boolean;
  /** R15: the same. */
  readonly deceived: boolean;
  /** R11 */
  readonly collapsed: boolean;
}

/** Looks at the scan and moves the clocks of the rules R3, R4, R4b, R5, R11 and R15. */
function observe(state: State, nic: number, now: number, cold: boolean): Observed {
  const { nics, scan, rules, clock, topology } = state;
  const witnesses = scan.witnesses[nic]!;
  const failing = witnesses === 0 ? 0 : scan.failing[nic]! / witnesses;
  const rounds = (since: Float64Array, on: boolean) => held(since, nic, on, clock) / topology.intervalMs;

  const named = anchoredFault(state, nic, failing);
  const suspect = isSuspect(state, nic);
  nics.suspect[nic] = suspect ? 1 : 0;
  if (!suspect && !named && nics.lossySince[nic] === 0) nics.suspectT[nic] = 0;
  else if (nics.suspectT[nic] === 0) nics.suspectT[nic] = now;

  const good = !suspect && witnesses > 0 && failing <= rules.nic_recover_fraction;
  return {
    named,
    suspicious: rounds(nics.suspectSince, named || suspect) >= rules.suspect_hold_rounds,
    deceived: rounds(nics.bfdSince, isDeceived(state, nic, now)) >= rules.suspect_hold_rounds,
    fails: rounds(nics.failSince, !cold && named && nics.everGood[nic] === 1) >= rules.nic_hold_rounds,
    partial: isPartial(state, nic, now, cold),
    loss: lossKind(state, nic, cold),
    collapsed: rounds(nics.collapseSince, good && dataplaneCollapsed(state, nic, now)) >= rules.dataplane_hold_rounds,
  };
}

/** R5: enough of the latest results of the witnesses are bad. As in R3, few witnesses count only together with the anchors. */
function isSuspect({ scan, rules }: State, nic: number): boolean {
  const witnesses = scan.witnesses[nic]!;
  if (witnesses < rules.nic_min_witnesses && scan.anchorsBad[nic] === 0) return false;
  return witnesses > 0 && scan.latestBad[nic]! / witnesses >= rules.suspect_fraction;
}

/** The verdict of the first rule that speaks, worst first. */
function find(state: State, nic: number, now: number, observed: Observed): Finding {
  const { fails, named, partial, loss, suspicious, deceived, collapsed } = observed;
  const failing = fails || loss === VERDICT.NIC_FAIL;
  const lasting = state.nics.verdict[nic] === VERDICT.PROBE_PATH_FAULT;
  const shown = failing ? dataplaneShows(state, nic, now, lasting) : 'unknown';
  const waits = waitsForDataplane(state, nic, now, { fails: failing, shown });
  if (failing && !waits) {
    if (shown === 'works') return { verdict: VERDICT.PROBE_PATH_FAULT, cause: CAUSE.none };
    return { verdict: VERDICT.NIC_FAIL, cause: fails ? linkOrUpstream(state, nic) : CAUSE.lossy };
  }
  if (loss === VERDICT.NIC_PARTIAL) return { verdict: VERDICT.NIC_PARTIAL, cause: CAUSE.lossy };
  if (partial) return { verdict: VERDICT.NIC_PARTIAL, cause: CAUSE.none };
  if (collapsed) return { verdict: VERDICT.DATA_PATH_FAULT, cause: CAUSE.none };
  if (!suspicious) return deceived ? { verdict: VERDICT.SUSPECT, cause: CAUSE.bfd } : OK;
  const neverWorked = named && state.nics.everGood[nic] === 0;
  return { verdict: VERDICT.SUSPECT, cause: neverWorked ? CAUSE.not_yet_valid : CAUSE.none };
}

/** R3 without its hold: enough witnesses failing; with few or none possible, the anchors must fail as well. */
function anchoredFault({ scan, rules, nics, racks }: State, nic: number, failing: number): boolean {
  const witnesses = scan.witnesses[nic]!;
  const anchorsFail = scan.anchorsFresh[nic]! > 0 && scan.anchorsBad[nic] === scan.anchorsFresh[nic];
  if (nics.alone[nic] === 1) {
    const bad = scan.rowBad[nic]!;
    return anchorsFail && bad > 0 && bad >= rules.nic_fail_fraction * scan.rowValid[nic]!;
  }
  if (witnesses === 0 || failing < rules.nic_fail_fraction) return false;
  if (witnesses < rules.nic_min_witnesses) return anchorsFail;
  return scan.witnessRacks[nic] === 2 || racks.names.length < 2;
}

/** `link` when no anchor answers either, `upstream` when one does, `none` when there is none to ask. */
function linkOrUpstream({ scan }: State, nic: number): number {
  if (scan.anchorsGood[nic]! > 0) return CAUSE.upstream;
  return scan.anchorsFresh[nic]! > 0 ? CAUSE.link : CAUSE.none;
}

/** R13: whether a NIC looks well in this pass. */
function recovering({ nics, scan, rules }: State, nic: number, hard: boolean): boolean {
  if (hard || nics.carrier[nic] === 0 || nics.suspect[nic] === 1 || nics.collapseSince[nic]! > 0) return false;
  if (scan.rowBad[nic] === scan.rowValid[nic]) return false;
  const witnesses = scan.witnesses[nic]!;
  const forgiven = witnesses >= rules.nic_min_witnesses ? 1 : 0;
  if (witnesses > 0) return scan.failing[nic]! <= Math.max(rules.nic_recover_fraction * witnesses, forgiven);
  // Without witnesses a dead cell may be the real server's: a good one proves the NIC when an anchor agrees, else most must be
  // good.
  return scan.anchorsGood[nic]! > 0 || (scan.anchorsFresh[nic] === 0 && 2 * scan.rowBad[nic]! <= scan.rowValid[nic]!);
}

/** A flap is a fault that comes after the NIC looked well again, whether or not its verdict was lifted in between. */
function countFaults(
  state: State,
  nic: number,
  now: number,
  { hard, well, fails }: { readonly hard: boolean; readonly well: boolean; readonly fails: boolean },
): void {
  const { nics, rules, flaps } = state;
  if (hard ? nics.hardFault[nic] === 0 : fails && nics.softFault[nic] === 0) addFlap(state, flaps.nic, nic, now);
  if (hard) nics.hardFault[nic] = 1;
  else if (nics.carrier[nic] !== 0 && now - nics.carrierT[nic]! >= rules.debounce_ms) nics.hardFault[nic] = 0;
  if (fails) nics.softFault[nic] = 1;
  else if (well) nics.softFault[nic] = 0;
}

interface Seen {
  readonly found: Finding;
  /** How long the NIC has looked well, and how long its data plane has worked while its probes fail; -1 = not so. */
  readonly wellMs: number;
  readonly provenMs: number;
  readonly blind: boolean;
}

/** The next verdict, or undefined to keep the present one. */
function nextVerdict(
  state: State,
  nic: number,
  now: number,
  { found, wellMs, provenMs: proven, blind }: Seen,
): Finding | undefined {
  const { nics, rules, flaps } = state;
  const verdict = nics.verdict[nic]!;
  const out = isOut(state, nic);
  const fails = found.verdict === VERDICT.NIC_FAIL;
  const flapping = isFlapping(state, flaps.nic, nic, now);
  if ((fails || out) && flapping) return { verdict: VERDICT.FLAPPING, cause: fails ? found.cause : nics.cause[nic]! };
  if (fails) return out ? undefined : found;
  if (blind) return undefined;
  if (verdict === VERDICT.OK || verdict === VERDICT.SUSPECT) return found;
  if (!out && RANK[found.verdict]! > RANK[verdict]!) return found;
  if (verdict === VERDICT.DATA_PATH_FAULT && found.verdict === verdict) return undefined;
  // The loss is already that of a window of this length: it need not be small for as long again.
  const well = wellMs >= rules.nic_recover_ms && lossIsSmall(state, nic, now);
  if (!well && proven < rules.nic_recover_ms) return undefined;
  const over = heldDownEnough(state, flaps.nic, nic, now, {
    leastMs: rules.nic_hold_down_ms,
    mostMs: rules.nic_hold_down_max_ms,
  });
  return over ? found : undefined;
}

/** Whether the loss window is full and shows little loss. */
function lossIsSmall({ clock, rules, topology, nics }: State, nic: number, now: number): boolean {
  const full = now - clock.windowFrom >= rules.lossy_window_rounds * topology.intervalMs;
  return full && nics.loss[nic]! < rules.nic_recover_loss;
}

/** R5, after the verdicts: whose word counts about real servers. */
export function judgeTrust(state: State): void {
  const { nics, scan, topology } = state;
  for (let nic = 0; nic < topology.nics.length; nic++) {
    const alive = scan.rowValid[nic]! > scan.rowBad[nic]! || scan.anchorsGood[nic]! > 0;
    nics.trusted[nic] = !isOut(state, nic) && nics.suspect[nic] === 0 && alive ? 1 : 0;
  }
}
