/**
 * Facts: everything observed that can change a verdict, of one kind or another. They reach the judge through one inbox and are
 * recorded by one codec per kind (`judge/evidence/`). Times are ms of one monotonic clock. A new kind is a member of `Fact` and a
 * codec.
 */

import type { ProbeResult } from './outcome.ts';

/** The result of one probe. */
export interface ResultFact extends ProbeResult {
  readonly kind: 'result';
  /** When the probe ended. */
  readonly t: number;
  /** Index of the NIC. */
  readonly nic: number;
  /** Index of the real server, or -(anchor + 1) for an anchor of that NIC. */
  readonly target: number;
}

/** When something was observed. */
interface Observed {
  /** When it reached the agent: the order in which facts count. */
  readonly t: number;
  /**
   * When it was measured: what the rules reckon with. A reading that takes long is measured before other facts that it arrives
   * after.
   */
  readonly measuredAt: number;
}

/** A link: carrier 1/0 (0 also when administratively down or the interface is gone). */
export interface LinkFact extends Observed {
  readonly kind: 'link';
  readonly nic: number;
  readonly carrier: 0 | 1;
  /** What it follows from, while the link of a data-plane port behind the NIC is known: that, and the kernel's if known. */
  readonly port?: 0 | 1;
  readonly kernel?: 0 | 1;
}

/** What the data plane behind a NIC shows (R11). */
export interface DataplaneFact extends Observed {
  readonly kind: 'dataplane';
  readonly nic: number;
  readonly rxPps: number;
  readonly txPps: number;
  /** Share of new connections that can have been answered at most, 0–1: min(Δconnections, Δreplies) / Δconnections. */
  readonly answeredRatio: number;
  /** Time before `measuredAt` that the numbers are of, ms; 0 or left out: not known. */
  readonly overMs?: number;
  /** Its source can be asked about a NIC at once. */
  readonly onRequest?: true;
}

/**
 * What the other load balancers of the fleet find of the real servers (R14). Holds until the next one, or until it is too old. A
 * real server that is not listed is good for every witness.
 */
export interface FleetFact extends Observed {
  readonly kind: 'fleet';
  /** How many can tell. */
  readonly witnesses: number;
  /** Indices of real servers of which not all say that they are good. */
  readonly servers: readonly number[];
  /** By position in `servers`: how many find it bad, and how many do not have it. */
  readonly bad: readonly number[];
  readonly unknown: readonly number[];
}

/** What routing daemons show of a NIC's uplinks (R15). Holds until the next one, or until it is too old. */
export interface RoutingFact extends Observed {
  readonly kind: 'routing';
  readonly nic: number;
  /** Whether a BGP session over it is established. */
  readonly session: 0 | 1;
  /** 0: a session's peer has BFD, which is down; 1: BFD is up with every one that has it. Left out: nobody has it. */
  readonly bfd?: 0 | 1;
}

/** Whether the fleet lets this NIC be taken out of service (R12). Holds until the next one. */
export interface PermitFact extends Observed {
  readonly kind: 'permit';
  readonly nic: number;
  readonly granted: 0 | 1;
}

/** Facts about one NIC. */
export type NicFact = LinkFact | DataplaneFact | RoutingFact | PermitFact;
/** A fact that comes alone; results come in batches. */
export type Observation = NicFact | FleetFact;
export type Fact = ResultFact | Observation;
/** An observation before the inbox stamps it. */
export type Unstamped = Observation extends infer O ? (O extends Observation ? Omit<O, 't'> : never) : never;

/** Probe results as parallel columns (no object per probe). Entries 0..count-1 are valid; arrays are reused between passes. */
export interface ResultBatch {
  count: number;
  readonly nic: Int32Array;
  readonly target: Int32Array;
  readonly outcome: Uint8Array;
  readonly phase: Uint8Array;
  readonly cause: Uint8Array;
  readonly detail: Int32Array;
  readonly rttUs: Uint32Array;
  readonly elapsedUs: Uint32Array;
  readonly t: Float64Array;
}

/**
 * Everything that reached the agent since the last pass: observations in the order of arrival, and results in that of their
 * lanes.
 */
export interface Facts {
  readonly results: ResultBatch;
  readonly observations: readonly Observation[];
}

const COLUMNS = {
  nic: Int32Array,
  target: Int32Array,
  outcome: Uint8Array,
  phase: Uint8Array,
  cause: Uint8Array,
  detail: Int32Array,
  rttUs: Uint32Array,
  elapsedUs: Uint32Array,
  t: Float64Array,
} as const;
const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

/** Appends one result. @returns the batch, or a larger one with the same results when it was full */
export function append(
  batch: ResultBatch,
  nic: number,
  target: number,
  result: ProbeResult & { readonly t: number },
): ResultBatch {
  const into = batch.count < batch.nic.length ? batch : larger(batch);
  const at = into.count++;
  into.nic[at] = nic;
  into.target[at] = target;
  into.outcome[at] = result.outcome;
  into.phase[at] = result.phase;
  into.cause[at] = result.cause;
  into.detail[at] = result.detail;
  into.rttUs[at] = result.rttUs;
  into.elapsedUs[at] = result.elapsedUs;
  into.t[at] = result.t;
  return into;
}

function larger(old: ResultBatch): ResultBatch {
  const made = newBatch(Math.max(64, old.nic.length * 2));
  made.count = old.count;
  for (const name of NAMES) made[name].set(old[name]);
  return made;
}

/** An empty batch that can hold `capacity` results. */
export function newBatch(capacity: number): ResultBatch {
  const columns = Object.fromEntries(NAMES.map((name) => [name, new COLUMNS[name](capacity)]));
  return { count: 0, ...columns } as unknown as ResultBatch;
}

/** A link observation that was measured when it arrived, unless `measuredAt` is given. */
export function linkFact(nic: number, carrier: 0 | 1, t: number, measuredAt = t): LinkFact {
  return { kind: 'link', t, measuredAt, nic, carrier };
}
