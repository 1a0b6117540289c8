/** Messages of etcd's KV service. Field numbers are those of etcd's api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto. */
import { bytesOf, decode, idOf, numberOf, textOf } from './decode.ts';
import { encode } from './encode.ts';
import { type Header, NO_HEADER, readHeader } from './header.ts';

export interface KeyValue {
  readonly key: string;
  /** A view of the message that it came in: whoever keeps it copies it. */
  readonly value: Buffer;
  /** Revision at which the key was created last. */
  readonly created: number;
  /** Revision of its last change. */
  readonly modified: number;
  /** Changes since it was created; 0: it was deleted. */
  readonly version: number;
  /** 0: none. */
  readonly lease: bigint;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** @throws WireError */
export function readKeyValue(bytes: Buffer): KeyValue {
  const kv = { key: '', value: EMPTY, created: 0, modified: 0, version: 0, lease: 0n };
  decode(bytes, (number, value) => {
    if (number === 1) kv.key = textOf(value);
    else if (number === 2) kv.created = numberOf(value);
    else if (number === 3) kv.modified = numberOf(value);
    else if (number === 4) kv.version = numberOf(value);
    else if (number === 5) kv.value = bytesOf(value);
    else if (number === 6) kv.lease = idOf(value);
  });
  return kv;
}

/** Keys from `key` up to, but without, `end`; without `end` the one key. */
export interface KeyRange {
  readonly key: string;
  readonly end?: Buffer;
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: string): KeyRange {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i]! < 255) {
      end[i]!++;
      return { key: prefix, end: end.subarray(0, i + 1) };
    }
  }
  return { key: prefix, end: Buffer.from([0]) };
}

export interface RangeOptions {
  /** Where to begin instead of at the range's key. */
  readonly from?: string;
  readonly limit?: number;
  /** As it was then; left out: as it is now. */
  readonly revision?: number;
  /** From the member's own copy, which may be old: only for what never changes. */
  readonly serializable?: boolean;
  readonly countOnly?: boolean;
  /** Values are left out. */
  readonly keysOnly?: boolean;
}

export function rangeRequest({ key, end }: KeyRange, options: RangeOptions = {}): Buffer {
  const { from = key, limit, revision, serializable, countOnly, keysOnly } = options;
  return encode({ 1: from, 2: end, 3: limit, 4: revision, 7: serializable, 8: keysOnly, 9: countOnly });
}

export interface RangeAnswer {
  readonly header: Header;
  readonly items: readonly KeyValue[];
  /** There are more than the limit. */
  readonly more: boolean;
  readonly count: number;
}

/** @throws WireError */
export function readRange(bytes: Buffer): RangeAnswer {
  const items: KeyValue[] = [];
  const answer = { header: NO_HEADER, items, more: false, count: 0 };
  decode(bytes, (number, value) => {
    if (number === 1) answer.header = readHeader(bytesOf(value));
    else if (number === 2) items.push(readKeyValue(bytesOf(value)));
    else if (number === 3) answer.more = value !== 0;
    else if (number === 4) answer.count = numberOf(value);
  });
  return answer;
}

/** At most 1.5 MB for etcd. `lease` 0n: none. */
export function putRequest(key: string, value: string | Uint8Array, lease = 0n): Buffer {
  return encode({ 1: key, 2: value, 3: lease === 0n ? undefined : lease });
}

export function deleteRequest({ key, end }: KeyRange): Buffer {
  return encode({ 1: key, 2: end });
}

/** Forgets what was before this revision. */
export function compactRequest(revision: number): Buffer {
  return encode({ 1: revision });
}
