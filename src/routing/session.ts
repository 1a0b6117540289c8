/** What a routing daemon shows of its sessions, whichever daemon it is. */
import type { Exact } from '../model/exact.ts';
import type { AddressFamily } from '../model/plan.ts';

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
