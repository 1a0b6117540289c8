/** What every answer of etcd begins with. */
import { decode, idOf, numberOf } from './decode.ts';

export interface Header {
  readonly cluster: bigint;
  readonly member: bigint;
  /** Of the whole store, when the answer was made: for a watcher that catches up it is ahead of the events beside it. */
  readonly revision: number;
  /** Of raft: it grows with each election, and begins again in a cluster that was restored from a snapshot. */
  readonly term: number;
}

export const NO_HEADER: Header = { cluster: 0n, member: 0n, revision: 0, term: 0 };

/** A header from its bytes. @throws WireError */
export function readHeader(bytes: Buffer): Header {
  const header = { ...NO_HEADER };
  decode(bytes, (number, value) => {
    if (number === 1) header.cluster = idOf(value);
    else if (number === 2) header.member = idOf(value);
    else if (number === 3) header.revision = numberOf(value);
    else if (number === 4) header.term = numberOf(value);
  });
  return header;
}
