/** What the judge's thread and the thread of the cluster send each other. */
import type { EtcdSettings } from '../../model/plan.ts';
import type { LeaseState } from '../lease/lease.ts';
import type { MirrorState } from '../mirror/mirror.ts';
import type { Tally } from '../mirror/book.ts';
import type { Asked } from '../transport/caller.ts';
import type { Method } from '../wire/methods.ts';
import type { Page } from './pages.ts';

/** Keys that are mirrored: one, or all that begin with it. */
export interface Watched {
  /** Label of its series. */
  readonly name: string;
  readonly key: string;
  readonly prefix: boolean;
}

export interface ClusterInit {
  readonly etcd: EtcdSettings;
  readonly ranges: readonly Watched[];
  /** A `PageMemory`. */
  readonly pages: SharedArrayBuffer;
}

export type ToCluster =
  /** The page that came last is taken. */
  | { readonly type: 'taken' }
  /** A key that is to be there, under the lease, with this value. */
  | { readonly type: 'hold'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'call'; readonly id: number; readonly method: Method; readonly request: Uint8Array; readonly asked: Asked }
  /** With `revoke` the keys under the lease are gone at once. */
  | { readonly type: 'stop'; readonly revoke: boolean };

/** The mirror at one moment; times are monotonic ms, the same for all threads. */
export interface Standing {
  readonly state: MirrorState | undefined;
  readonly heardAt: number;
  readonly connects: number;
  readonly ranges: readonly { readonly revision: number; readonly keys: number; readonly tally: Readonly<Tally> }[];
  /** End of the client certificate's validity, Unix ms; 0: none was read. */
  readonly notAfter: number;
}

export type FromCluster =
  | { readonly type: 'page'; readonly page: Page }
  | { readonly type: 'standing'; readonly standing: Standing }
  | { readonly type: 'lease'; readonly lease: LeaseState }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Uint8Array }
  /** `code`: of gRPC; undefined: there was no call, since the certificates can't be read. */
  | { readonly type: 'refused'; readonly id: number; readonly code: number | undefined; readonly message: string };
