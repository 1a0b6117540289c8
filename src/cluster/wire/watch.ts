/** Messages of etcd's Watch service: several watches, each with its id, on one stream. */
import { bytesOf, decode, numberOf, textOf } from './decode.ts';
import { encode } from './encode.ts';
import { type Header, NO_HEADER, readHeader } from './header.ts';
import { type KeyRange, type KeyValue, readKeyValue } from './kv.ts';

/** Watches a range under this id, from revision `start` on. Notifications of progress and fragments are asked for. */
export function watchRequest(id: number, { key, end }: KeyRange, start: number): Buffer {
  return encode({ 1: encode({ 1: key, 2: end, 3: start, 4: true, 7: id, 8: true }) });
}

/**
 * Asks for a sign of life. The answer has the id -1, and before 3.4.25 and 3.5.8 it is not ordered with the events: it is no
 * cursor.
 */
export function progressRequest(): Buffer {
  return encode({ 3: Buffer.alloc(0) });
}

export interface Event {
  readonly deleted: boolean;
  /** Of a deletion: the key and, in `modified`, its revision. */
  readonly kv: KeyValue;
}

export interface WatchAnswer {
  readonly header: Header;
  /** -1: of no single watch. */
  readonly id: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Of a canceled watch whose history is compacted: the first revision that can still be had; otherwise 0. */
  readonly compacted: number;
  readonly reason: string;
  /** More of the same revisions follows. */
  readonly fragment: boolean;
  readonly events: readonly Event[];
}

/** @throws WireError */
export function readWatch(bytes: Buffer): WatchAnswer {
  const events: Event[] = [];
  const answer = { header: NO_HEADER, id: 0, created: false, canceled: false, compacted: 0, reason: '', fragment: false, events };
  decode(bytes, (number, value) => {
    if (number === 1) answer.header = readHeader(bytesOf(value));
    else if (number === 2) answer.id = numberOf(value);
    else if (number === 3) answer.created = value !== 0;
    else if (number === 4) answer.canceled = value !== 0;
    else if (number === 5) answer.compacted = numberOf(value);
    else if (number === 6) answer.reason = textOf(value);
    else if (number === 7) answer.fragment = value !== 0;
    else if (number === 11) events.push(readEvent(bytesOf(value)));
  });
  return answer;
}

function readEvent(bytes: Buffer): Event {
  let deleted = false;
  let kv = readKeyValue(Buffer.alloc(0));
  decode(bytes, (number, value) => {
    if (number === 1) deleted = value === 1;
    else if (number === 2) kv = readKeyValue(bytesOf(value));
  });
  return { deleted, kv };
}
