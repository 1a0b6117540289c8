/** What reports must know of the running agent: plain values, read without I/O, handed in by whoever composes the daemon. */
import type { ErrorCode } from '../model/errors.ts';
import type { FindingReport } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { EffectSubject } from '../model/subject.ts';
import type { Subject, Transition, Verdict, Wanted } from '../model/verdict.ts';

/** States in `CellsView.link` and `CellsView.service`; 0 is unknown. */
export const GOOD = 1;
export const BAD = 2;

/** The NIC × target matrix, row by row: cell of NIC i and target j is at `i * plan.targets.length + j`. */
export interface CellsView {
  readonly link: ArrayLike<number>;
  readonly service: ArrayLike<number>;
  /** Outcome code of the last probe; means nothing where `t` is 0. */
  readonly outcome: ArrayLike<number>;
  /** Its cause code, likewise. */
  readonly cause: ArrayLike<number>;
  /** Last measured round trip in µs; 0 = none. */
  readonly rttUs: ArrayLike<number>;
  /** When the last probe ended, monotonic ms; 0 = never probed. */
  readonly t: ArrayLike<number>;
}

export interface NicView {
  /** -1 = not known (yet). */
  readonly carrier: 0 | 1 | -1;
  readonly carrierChanges: number;
  /** Link of the data-plane port behind it; left out when there is none, or it is not known. */
  readonly portLink?: 0 | 1;
  /** Share of lost probes 0–1 over the judge's window; left out when it has too few. */
  readonly loss?: number;
}

/** An effect that is wanted but not in place. Times are monotonic ms. */
export interface PendingView extends EffectSubject {
  readonly actuator: string;
  /** What is wanted. */
  readonly wanted: 'ok' | 'failed' | 'enabled' | 'disabled';
  readonly weight?: number;
  /** What is in place, in words; `not known` after a call that may have done half of its work. */
  readonly actual: string;
  /** `waiting`: for its turn; `retrying`: the last attempt failed; `unsupported`: it can't be done and is not tried again. */
  readonly state: 'running' | 'waiting' | 'retrying' | 'unsupported';
  readonly since: number;
  readonly failures: number;
  /** Why the last attempt failed, or it can't be done; '' when neither is so. */
  readonly error: string;
}

export type Phase = 'starting' | 'running' | 'stopping';

/** Series of counts by their label values; `rows` is another array when a series was added. */
export interface CountsView {
  readonly rows: readonly (readonly string[])[];
  readonly values: ArrayLike<number>;
}

/** Verdict changes: the recent ones, and counts of all of them. */
export interface HistoryView {
  /** Changes later than `t` (monotonic ms), oldest first, as far as they are remembered. */
  since(t: number): readonly Transition[];
  /** By subject and verdict. */
  readonly changes: CountsView;
  /** Actions held back, by the limit that held them. */
  readonly blocked: CountsView;
}

export interface CollectorView {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly lastData: number;
}

export interface ReloadResult {
  readonly ok: boolean;
  /** Of a refusal or a failure. */
  readonly code?: ErrorCode;
  readonly message: string;
  /** One line per mistake in the file: `file:line:column: …`. */
  readonly errors?: readonly string[];
}

/** The release of the cluster on this server. Roots and numbers: undefined = none is known. */
export interface ReleaseView {
  readonly state: string;
  readonly ring: string | undefined;
  readonly target: string | undefined;
  readonly targetRelease: number | undefined;
  readonly running: string | undefined;
  readonly runningRelease: number | undefined;
  readonly lastGood: string | undefined;
  /** The maintenance that holds it. */
  readonly held: string | undefined;
  /** Why it is not applied, or not reported to the cluster. */
  readonly problems: readonly string[];
}

/** What shadow mode has seen: real servers that are compared, and the report for people. */
export interface ShadowAnswer {
  readonly compared: number;
  readonly agreeing: number;
  readonly report: string;
}

/** The whole cluster, as it was read last. */
export interface FleetAnswer {
  /** Another number, another answer. */
  readonly number: number;
  /** `FleetStatus` as JSON; '' = it has not been read yet. */
  readonly status: string;
  /** When it was read: ms since 1970, 0 = never. */
  readonly at: number;
  /** Why it was not read again; '' = it was. */
  readonly error: string;
}

/** All times are ms of the agent's monotonic clock. Everything here describes the plan that `plan()` returns. */
export interface AgentView {
  readonly version: string;
  readonly startedAt: number;
  now(): number;
  /** Added to a monotonic ms it gives a Unix ms. */
  wallOffsetMs(): number;
  plan(): Plan;
  phase(): Phase;
  ready(): { readonly ready: boolean; readonly reason: string };
  /** The last time a config was loaded (the start counts). */
  lastReload(): ReloadResult & { readonly t: number };
  /** undefined = releases of a cluster are not followed. */
  release(): ReleaseView | undefined;
  /** In the plan's order. */
  nics(): readonly NicView[];
  cells(): CellsView;
  wanted(): Wanted;
  /** Present verdicts other than OK. */
  verdicts(): readonly Verdict[];
  /** The present verdict of one subject with its evidence, `OK` included; undefined when there is no such subject. */
  why(subject: Subject): Verdict | undefined;
  readonly history: HistoryView;
  /**
   * Effects not in place: how many, how many of them failed or can't be put in place, and the oldest, those that can't be first.
   */
  pending(): { readonly total: number; readonly failing: number; readonly longest: readonly PendingView[] };
  /** How each collector fares; `lastData` in ms, NaN = never. */
  collectors(): readonly CollectorView[];
  /** What collectors found of real servers that never acts, the oldest first. */
  findings(): readonly FindingReport[];
}
