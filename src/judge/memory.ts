/**
 * The judge's memory: typed arrays made once per topology and changed in place. The caller owns it and must not use it from two
 * places. Cells lie row by row: cell of NIC i and real server j is at `i * M + j`. Times are ms of the facts' clock; `*Since` arrays
 * of rules that are forming hold readings of the hold clock (0 = not forming), which a stalled caller can't make jump.
 */
import type { Topology } from '../model/topology.ts';
import type { Rules } from '../model/rules.ts';
import type { AgentVerdict, VerdictCause, VerdictName, Wanted } from '../model/verdict.ts';
import type { Governor } from './governor-state.ts';

/** Verdict names in code order: the code is the index. */
export const VERDICTS = [
  'OK',
  'SUSPECT',
  'NIC_PARTIAL',
  'NIC_FAIL',
  'FLAPPING',
  'PROBE_PATH_FAULT',
  'DATA_PATH_FAULT',
  'PATH',
  'RS_DOWN',
  'RACK_FAULT',
  'ALL_RS_DOWN',
  'AGENT_ISOLATED',
  'AGENT_STALLED',
] as const satisfies readonly VerdictName[];

/** Causes in code order. */
export const VERDICT_CAUSES = [
  'none',
  'carrier',
  'link',
  'upstream',
  'lossy',
  'not_yet_valid',
  'unreachable',
  'refused',
  'l7',
  'local_path',
] as const satisfies readonly VerdictCause[];

/** Codes of verdicts and causes, by name. */
export const V = Object.fromEntries(VERDICTS.map((v, k) => [v, k])) as Record<VerdictName, number>;
export const CAUSE = Object.fromEntries(VERDICT_CAUSES.map((v, k) => [v, k])) as Record<VerdictCause, number>;

/** Effective states in `Cells.linkNow`/`serviceNow`: the confirmed state, or unknown when the last valid result is too old. */
export const UNKNOWN = 0;
export const GOOD = 1;
export const BAD = 2;

/** Buckets of the loss window. */
export const BUCKETS = 10;
/** Outcome code of a cell that was never probed. */
export const NEVER = 255;

/** Per cell; see the state names above. Streaks count results in a row, good positive, bad negative. */
export interface Cells {
  /** Confirmed by `fall` or `rise`: GOOD, BAD, or UNKNOWN before either. */
  readonly link: Uint8Array;
  readonly service: Uint8Array;
  readonly linkNow: Uint8Array;
  readonly serviceNow: Uint8Array;
  readonly linkStreak: Int16Array;
  readonly serviceStreak: Int16Array;
  /** The last result, valid or not. */
  readonly outcome: Uint8Array;
  readonly phase: Uint8Array;
  readonly cause: Uint8Array;
  readonly detail: Int32Array;
  readonly rttUs: Uint32Array;
  readonly elapsedUs: Uint32Array;
  /** When the last result came; 0 = never. */
  readonly t: Float64Array;
  /** When the last result came that says something of the link, of the service; and the last good ones. -Infinity = never. */
  readonly linkT: Float64Array;
  readonly serviceT: Float64Array;
  readonly linkGoodT: Float64Array;
  readonly serviceGoodT: Float64Array;
  /** Outcome of the last link-good result. */
  readonly goodOutcome: Uint8Array;
  /** Loss window: results, losses and good/bad alternations, per bucket (bucket-major) and in total. */
  readonly bucketN: Uint8Array;
  readonly bucketLost: Uint8Array;
  readonly bucketFlips: Uint8Array;
  readonly windowN: Uint16Array;
  readonly windowLost: Uint16Array;
  readonly windowFlips: Uint16Array;
  /** 0 no result yet, 1 kept, 2 lost. */
  readonly lastLoss: Uint8Array;
  /** PATH verdicts. */
  readonly path: Uint8Array;
  readonly pathCause: Uint8Array;
  readonly pathAt: Float64Array;
  readonly pathSince: Float64Array;
  readonly pathFaulty: Uint8Array;
}

/** Anchors of all NICs in one row; those of NIC i are `start[i]` … `start[i + 1] - 1`. */
export interface Anchors {
  readonly start: Int32Array;
  readonly link: Uint8Array;
  readonly streak: Int16Array;
  readonly outcome: Uint8Array;
  readonly t: Float64Array;
  readonly linkT: Float64Array;
}

export interface DataplaneSample {
  readonly t: number;
  readonly rx: number;
  readonly tx: number;
  readonly ratio: number;
}

/** Per NIC. */
export interface Nics {
  /** Index of the fault group. */
  readonly group: Int32Array;
  /** Whether no NIC lies outside its group: there can be no witnesses. */
  readonly alone: Uint8Array;
  readonly born: Float64Array;
  readonly everGood: Uint8Array;
  readonly verdict: Uint8Array;
  readonly cause: Uint8Array;
  readonly at: Float64Array;
  /** -1 unknown, 0 down, 1 up; since when in ms. */
  readonly carrier: Int8Array;
  readonly carrierT: Float64Array;
  /** ENETDOWN results: first and last in a row; 0 = none. */
  readonly netdownFirst: Float64Array;
  readonly netdownLast: Float64Array;
  readonly trusted: Uint8Array;
  readonly suspect: Uint8Array;
  /** Loss over the mixed witness cells, 0 when there are too few results; `rowLoss` is the same without that condition. */
  readonly loss: Float64Array;
  readonly rowLoss: Float64Array;
  /** Whether the losses begin to look like R4b. */
  readonly lossyHint: Uint8Array;
  /** Since when the suspicion lasts, in ms (for R11). */
  readonly suspectT: Float64Array;
  /** Rules that are forming. */
  readonly suspectSince: Float64Array;
  readonly failSince: Float64Array;
  readonly partialSince: Float64Array;
  readonly lossySince: Float64Array;
  readonly lossyFailSince: Float64Array;
  readonly collapseSince: Float64Array;
  readonly recoverSince: Float64Array;
  /** Fault present by R2, by R3/R4b: for counting flaps. */
  readonly hardFault: Uint8Array;
  readonly softFault: Uint8Array;
  readonly dataplane: DataplaneSample[][];
}

/** Per real server. */
export interface RealServers {
  readonly interval: Float64Array;
  readonly timeout: Float64Array;
  /** Most time between two valid results of a cell before it is UNKNOWN. */
  readonly limit: Float64Array;
  readonly fall: Int32Array;
  readonly rise: Int32Array;
  /** Rack index or -1. */
  readonly rack: Int32Array;
  readonly born: Float64Array;
  readonly verdict: Uint8Array;
  readonly cause: Uint8Array;
  readonly at: Float64Array;
  readonly since: Float64Array;
  /** Since when some NIC has good answers, in ms; 0 = none has. */
  readonly goodT: Float64Array;
  readonly faulty: Uint8Array;
  /** When slow start began; 0 = at full weight. */
  readonly rampT: Float64Array;
}

export interface Racks {
  readonly names: readonly string[];
  readonly members: readonly (readonly number[])[];
  /** How many members are RS_DOWN. */
  readonly down: Int32Array;
  /** How many real servers are, in any rack or none. */
  downAnywhere: number;
  readonly verdict: Uint8Array;
  readonly at: Float64Array;
}

/** What the scan of a pass finds; rewritten by each pass. */
export interface Scan {
  /** Per NIC. */
  readonly witnesses: Int32Array;
  readonly witnessRacks: Uint8Array;
  readonly failing: Int32Array;
  readonly latestBad: Int32Array;
  readonly rowValid: Int32Array;
  readonly rowBad: Int32Array;
  readonly rowService: Int32Array;
  readonly rowServiceBad: Int32Array;
  readonly rowServiceLatestBad: Int32Array;
  readonly anchorsFresh: Int32Array;
  readonly anchorsGood: Int32Array;
  readonly anchorsBad: Int32Array;
  readonly lossN: Float64Array;
  readonly lossLost: Float64Array;
  readonly lossFlips: Float64Array;
  /** How often loss ended again: an outage that lasts shows none. */
  readonly lossReturns: Float64Array;
  readonly lossCells: Int32Array;
  readonly othersN: Float64Array;
  readonly othersLost: Float64Array;
  /** Per real server: group of the first NIC whose latest result is link-good (-1 none), whether another group's is too. */
  readonly goodGroup: Int32Array;
  readonly goodElsewhere: Uint8Array;
  readonly serviceGood: Int32Array;
  readonly serviceBad: Int32Array;
  readonly columnN: Float64Array;
  readonly columnLost: Float64Array;
  eligible: number;
  blind: number;
}

export interface AgentState {
  verdict: '' | AgentVerdict;
  at: number;
  /** Hold clock: since when the other kind of freeze would be right. */
  kindSince: number;
  /** No rule but R0, R2 and R9 speaks before this (cold start). */
  coldUntil: number;
  /** After a freeze: no disruptive action before this. */
  settleUntil: number;
  /** Missing results are excused until then (restart). */
  excusedUntil: number;
  stormAt: number;
  stormSeen: number;
}

export interface Clock {
  now: number;
  hold: number;
  bucket: number;
  /** When the loss window last moved on. */
  turnedAt: number;
  /** Since when the loss window fills. */
  windowFrom: number;
}

/** Fault onsets of the last `flap_window_ms`, by index of NIC, real server or cell. */
export type Flaps = Map<number, number[]>;

export interface State {
  readonly topology: Topology;
  readonly rules: Rules;
  readonly cells: Cells;
  readonly anchors: Anchors;
  readonly nics: Nics;
  readonly servers: RealServers;
  readonly racks: Racks;
  readonly scan: Scan;
  readonly agent: AgentState;
  readonly clock: Clock;
  readonly governor: Governor;
  /** What the data plane should have now. */
  readonly wanted: Wanted;
  readonly flaps: { readonly nic: Flaps; readonly rs: Flaps; readonly path: Flaps };
  /** Baseline loss: results seen in healthy cells and the isolated losses among them, both fading; and the `fall` that follows. */
  readonly baseline: { n: number; lost: number; fall: number };
  readonly adaptedFall: Int32Array;
}

/** T + timeout of the most patient target. */
export function roundTrip(s: State): number {
  return s.topology.intervalMs + s.topology.timeoutMs;
}

/** Counts how long `on` has held, by the hold clock: ms, or -1 when it doesn't hold. */
export function held(since: Float64Array, k: number, on: boolean, clock: Clock): number {
  if (!on) {
    since[k] = 0;
    return -1;
  }
  if (since[k] === 0) since[k] = clock.hold;
  return clock.hold - since[k]!;
}

/** Whether NIC i is judged out of service. */
export function isOut(s: State, i: number): boolean {
  return s.nics.verdict[i] === V.NIC_FAIL || s.nics.verdict[i] === V.FLAPPING;
}

/** Number of the loss-window bucket that time `now` falls into. */
export function bucketAt(intervalMs: number, windowRounds: number, now: number): number {
  return Math.floor(now / ((windowRounds * intervalMs) / BUCKETS));
}
