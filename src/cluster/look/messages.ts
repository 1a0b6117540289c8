/** What the judge's thread and the thread that looks at the whole cluster send each other. */
import type { EtcdSettings } from '../../model/plan.ts';
import type { MissingSince } from '../roster/presence.ts';

export interface LookInit {
  readonly cluster: string;
  readonly etcd: EtcdSettings;
}

/** `since`: since when servers are missing, as this server has followed it; undefined: end. */
export type ToLook = { readonly type: 'look'; readonly since: MissingSince } | { readonly type: 'stop' };

/** A `FleetStatus` as JSON, or why there is none. */
export type FromLook = { readonly status: string } | { readonly error: string };
