/** One reading of the routing daemons, held against what is planned. */
import type { BfdSession, Daemon, Session } from '../../routing/session.ts';

/** A planned prefix at one of its uplinks. */
export interface PlannedPrefix {
  readonly prefix: string;
  readonly level: string;
  readonly nic: string;
  readonly vrf: string;
  readonly peer: string;
  readonly announced: boolean;
}

/** What a session announces beyond the plan. */
export interface Unplanned {
  readonly vrf: string;
  readonly peer: string;
  readonly nic: string;
  readonly count: number;
  /** The first of them; left out: the table is too large to ask, or it was not time yet. */
  readonly names?: readonly string[];
}

/** One daemon, read once. */
export interface DaemonReading {
  readonly daemon: Daemon;
  readonly sessions: readonly Session[];
  readonly bfd: readonly BfdSession[];
  /** Prefixes that its sessions announce, by session: the planned ones among them at least. */
  readonly announced: ReadonlyMap<string, readonly string[]>;
  /** Sessions whose list in `announced` is whole. */
  readonly complete: ReadonlySet<string>;
  /** Routes in its tables. */
  readonly routes: number;
  /** Why BFD is not known although its daemon is there. */
  readonly bfdProblem?: string;
  /** Whether BFD has a daemon of its own, and it is there. */
  readonly bfdDaemon: boolean;
}

/** Durations of readings, cumulative, s. */
export interface Durations {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface BgpData {
  readonly up: readonly (DaemonReading & { readonly durations: Durations })[];
  readonly down: readonly { readonly daemon: Daemon; readonly reason: string }[];
  readonly planned: readonly PlannedPrefix[];
  readonly unplanned: readonly Unplanned[];
}
