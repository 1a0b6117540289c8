/**
 * The judge's memory: typed arrays made once per topology and changed in place. The caller owns it and must not use it from two
 * places. What each column holds is said in `columns.ts`. Cells lie row by row: the cell of a NIC and a real server is at `nic *
 * serverCount + server`.
 */
import type { Rules } from '../model/rules.ts';
import type { Topology } from '../model/topology.ts';
import type { Wanted } from '../model/verdict.ts';
import { type AgentVerdict, takesOut } from '../model/verdicts.ts';
import {
  type ANCHOR_COLUMNS,
  BUCKETS,
  type CELL_COLUMNS,
  type COLUMN_SCAN,
  type Columns,
  type NIC_COLUMNS,
  type RACK_COLUMNS,
  type ROW_SCAN,
  type SERVER_COLUMNS,
} from './columns.ts';
import type { Fleet } from './fleet.ts';
import type { Governor } from './governor-state.ts';

/** Effective states in `Cells.linkNow`/`serviceNow`: the confirmed state, or unknown when the last valid result is too old. */
export const UNKNOWN = 0;
export const GOOD = 1;
export const BAD = 2;

export type Cells = Columns<typeof CELL_COLUMNS>;

/** Anchors of all NICs in one row; those of a NIC are `start[nic]` … `start[nic + 1] - 1`. */
export interface Anchors extends Columns<typeof ANCHOR_COLUMNS> {
  readonly start: Int32Array;
}

/** What a data-plane fact said, at the time it was measured: packets per second, share of connections that were answered. */
export interface DataplaneSample {
  readonly t: number;
  readonly rx: number;
  readonly tx: number;
  readonly ratio: number;
  /** Time before `t` that it is of, ms. */
  readonly over: number;
  /** Whether its source can be asked about a NIC at once. */
  readonly onRequest: 0 | 1;
}

export interface Nics extends Columns<typeof NIC_COLUMNS> {
  /** Per NIC, oldest first. */
  readonly dataplane: DataplaneSample[][];
}

export type RealServers = Columns<typeof SERVER_COLUMNS>;

export interface Racks extends Columns<typeof RACK_COLUMNS> {
  readonly names: readonly string[];
  readonly members: readonly (readonly number[])[];
  /** How many real servers are RS_DOWN, in any rack or none. */
  downAnywhere: number;
}

/** What the scan of a pass finds; rewritten by each pass. */
export interface Scan extends Columns<typeof ROW_SCAN>, Columns<typeof COLUMN_SCAN> {
  /** Cells that should have a result, and those of them that have none. */
  eligible: number;
  blind: number;
  /** Cells whose results do not go through the NIC: fresh, and no evidence of a link. */
  local: number;
  /** 1: a check has changed what it says of a weight. */
  weighed: number;
  /** When the pass before was. */
  lastPass: number;
  /** Cells that were fresh in the pass before, had no result for too long since, and have one again: no pass saw them unknown. */
  missed: number;
}

export interface AgentState {
  verdict: '' | AgentVerdict;
  at: number;
  /** Hold clock: since when the other kind of freeze would be right. */
  kindSince: number;
  /** No rule but R0, R2, R9 and R14 of the agent speaks before this (cold start). */
  coldUntil: number;
  /** After a freeze: no disruptive action before this. */
  settleUntil: number;
  /** Missing results are excused until then (restart). */
  excusedUntil: number;
  /** When the present storm began, and when it was last seen (R10). */
  stormAt: number;
  stormSeen: number;
}

export interface Clock {
  now: number;
  /** The hold clock, ms: advances by at most T/5 a pass. */
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
  /**
   * Baseline loss: results seen in healthy cells and the isolated losses among them, both fading; and the `fall` that follows.
   */
  readonly baseline: { results: number; lost: number; fall: number };
  readonly adaptedFall: Int32Array;
  /** Per cell: the memory of its checker (`model/checker.ts`). Empty where no real server has one. */
  readonly checkers: Uint32Array;
  /** What the other load balancers say (R14); undefined = nothing was ever said. */
  fleet: Fleet | undefined;
}

/** T + timeout of the most patient target, ms. */
export function roundTrip({ topology }: State): number {
  return topology.intervalMs + topology.timeoutMs;
}

/** Counts how long `on` has held, by the hold clock: ms, or -1 when it doesn't hold. */
export function held(since: Float64Array, index: number, on: boolean, clock: Clock): number {
  if (!on) {
    since[index] = 0;
    return -1;
  }
  if (since[index] === 0) since[index] = clock.hold;
  return clock.hold - since[index]!;
}

const TAKES_OUT_NIC = takesOut('nic');

/** Whether a NIC is judged out of service. */
export function isOut({ nics }: State, nic: number): boolean {
  return TAKES_OUT_NIC[nics.verdict[nic]!] === 1;
}

/** Number of the loss-window bucket that time `now` falls into. */
export function bucketAt(intervalMs: number, windowRounds: number, now: number): number {
  return Math.floor(now / ((windowRounds * intervalMs) / BUCKETS));
}
