/** What a routing daemon shows of its sessions, whichever daemon it is. */
import type { Exact } from '../../model/exact.ts';
import type { AddressFamily } from '../../model/plan.ts';

/** Programs that are read. */
export const DAEMONS = ['bgpd', 'bfdd', 'bird'] as const;
export type Daemon = (typeof DAEMONS)[number];

/** `admin_down`: shut here; `prefix_limit`: down until somebody clears it, because too many prefixes came. */
export const SESSION_STATES = [
  'idle',
  'connect',
  'active',
  'opensent',
  'openconfirm',
  'established',
  'admin_down',
  'prefix_limit',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** One address family of a session. */
export interface FamilyState {
  readonly family: AddressFamily;
  /** Established, and both ends carry it. */
  readonly up: boolean;
  readonly received: number;
  readonly announced: number;
}

/** Why a session ended last. It may be long ago, and the session up again. */
export interface Reset {
  /** Of a NOTIFICATION, code and subcode in hex: `0602`; empty: none. */
  readonly code: string;
  readonly reason: string;
  /** s; left out: not known. */
  readonly ago?: number;
}

export interface Session {
  readonly vrf: string;
  /** Address, or interface of an unnumbered session. */
  readonly peer: string;
  /** What the daemon calls it, if it has a name. */
  readonly name?: string;
  readonly state: SessionState;
  readonly families: readonly FamilyState[];
  /** s since it was established; left out: it is not, or not known. */
  readonly uptime?: number;
  /** Times that it ended, as the daemon counts, or as seen here. */
  readonly drops?: Exact;
  readonly reset?: Reset;
  /** Left out: it runs over no NIC of the plan. */
  readonly nic?: string;
}

export interface BfdSession {
  readonly vrf: string;
  readonly peer: string;
  readonly device?: string;
  readonly nic?: string;
  readonly state: string;
  readonly up: boolean;
}

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
