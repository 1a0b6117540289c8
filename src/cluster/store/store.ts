/** etcd as operators and servers need it: all that stands there at one revision, single keys, blobs, and transactions. */
import type { Blob } from '../release/blob.ts';
import type { TxnPlan } from '../txn-plan.ts';
import type { Item } from '../view/state.ts';

/** All keys of the cluster but blobs, as they were at one revision. */
export interface Snapshot {
  readonly items: readonly Item[];
  readonly revision: number;
}

export interface Committed {
  /** False: something was not as it was compared, and nothing was written. */
  readonly done: boolean;
  /** Of the write; else of the answer. */
  readonly revision: number;
}

/** Every method rejects with CLUSTER_UNREACHABLE when etcd does not answer or refuses the certificate. */
export interface Store {
  read(): Promise<Snapshot>;
  /**
   * One key, below the cluster's prefix; undefined = there is none.
   * @param isFixed it never changes: any member may answer, and only one that does not have it yet is asked again
   */
  get(key: string, isFixed?: boolean): Promise<Item | undefined>;
  /** The packed bytes of a blob; undefined = there is none. Rejects with CLUSTER_INVALID when it is too large. */
  blob(hash: string): Promise<Buffer | undefined>;
  /** Revision of the last change of each blob, by hash. */
  blobs(): Promise<ReadonlyMap<string, number>>;
  /** A blob never changes: writing one again does no harm. */
  putBlobs(blobs: Iterable<Blob>): Promise<void>;
  /**
   * Carries a transaction out. An answer that was lost does not matter: what was written is recognised.
   * @param lease for what is written with one
   */
  commit(txn: TxnPlan, lease?: bigint): Promise<Committed>;
}
