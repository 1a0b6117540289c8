/** What a mirror reports: every change of a range of keys, once, in the order of revisions. */

export interface Change {
  readonly key: string;
  /** A view of what it came in: whoever keeps it copies it. undefined: the key is gone. */
  readonly value: Uint8Array | undefined;
  /** Revision of the change; of a deletion that a snapshot found, that of the snapshot. */
  readonly modified: number;
  /** Revision at which the key was created; 0: it is gone. */
  readonly created: number;
  /** 0n: none. */
  readonly lease: bigint;
}

/** Why a range is read as a whole. */
export type Why =
  | 'first'
  /** What happened since is no longer to be had. */
  | 'compacted'
  | 'cluster changed'
  /** etcd was restored from a snapshot that is older than what was seen. */
  | 'revision went back'
  /** It was restored, and has gone past what was seen since: the same revisions, other changes. */
  | 'history replaced'
  /** A new connection, and the last change was a deletion: nothing is left by which the same history could be known. */
  | 'unconfirmed'
  | 'batch out of order';

/** Whether revisions of before mean nothing any more. */
export function isOtherHistory(why: Why): boolean {
  return why === 'cluster changed' || why === 'revision went back' || why === 'history replaced';
}

/** Changes that have not been reported before, in order. */
export interface Batch {
  readonly changes: readonly Change[];
  /** With `last`: all changes up to it have been reported. */
  readonly revision: number;
  /** Undefined: these changes, one by one. Otherwise found by comparing: states in between may be missing. */
  readonly snapshot: Why | undefined;
  /**
   * False: more of this snapshot follows, and what is known is partly of before and partly of now. It stays so until a snapshot
   * is complete, this one or, when it fails, the next one.
   */
  readonly last: boolean;
}
