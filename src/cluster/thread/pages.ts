/**
 * Changes on their way to the judge's thread: in pages so small that taking one takes a millisecond, one at a time, through
 * memory that both threads see. Columns instead of objects, since copying an object for each of 100 000 keys is what takes long;
 * memory that is used again, since V8 collects the whole heap of a thread when new buffers have come to some MB.
 *
 * | bytes | of 512 changes |
 * |---|---|
 * | 8 each | `modified` |
 * | 8 each | `created`; 0: the key is gone |
 * | 8 each | `leases` |
 * | 4 each | `ends`: where each value ends in `bytes`; it begins where the one before ends |
 * | 128 k | `bytes`: values |
 *
 * One thread writes, before it sends the message; the other reads, before it answers that the page is taken.
 */
import type { Batch, Change, Why } from '../mirror/changes.ts';

export const MOST_CHANGES = 512;
/** Of values. A value that is longer has a page of its own, and is in its message. */
export const MOST_BYTES = 128 << 10;
/** What may wait, in bytes of values and keys, before the mirror stops reading. */
const MOST_WAITING = 8 << 20;

export class PageMemory {
  readonly buffer: SharedArrayBuffer;
  readonly modified: Float64Array;
  readonly created: Float64Array;
  readonly leases: BigUint64Array;
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(MOST_CHANGES * 28 + MOST_BYTES)) {
    this.buffer = buffer;
    this.modified = new Float64Array(buffer, 0, MOST_CHANGES);
    this.created = new Float64Array(buffer, MOST_CHANGES * 8, MOST_CHANGES);
    this.leases = new BigUint64Array(buffer, MOST_CHANGES * 16, MOST_CHANGES);
    this.ends = new Uint32Array(buffer, MOST_CHANGES * 24, MOST_CHANGES);
    this.bytes = new Uint8Array(buffer, MOST_CHANGES * 28, MOST_BYTES);
  }
}

/** As much of a batch as is a page. */
export interface Sheet extends Batch {
  readonly range: number;
}

/** The message to a page whose columns are in the memory. */
export interface Page {
  readonly range: number;
  readonly revision: number;
  readonly snapshot: Why | undefined;
  readonly last: boolean;
  readonly keys: readonly string[];
  /** The value, when it is longer than the memory. */
  readonly long?: Uint8Array;
}

/** A batch as pages, at least one. */
export function sheetsOf(range: number, batch: Batch): Sheet[] {
  const { changes, revision, snapshot } = batch;
  const groups: Change[][] = [[]];
  let bytes = 0;
  for (const change of changes) {
    const length = change.value?.length ?? 0;
    const group = groups.at(-1)!;
    if (group.length === MOST_CHANGES || (group.length > 0 && bytes + length > MOST_BYTES)) {
      groups.push([change]);
      bytes = length;
    } else {
      group.push(change);
      bytes += length;
    }
  }
  return groups.map((group, i) => ({
    range,
    revision,
    snapshot,
    last: batch.last && i === groups.length - 1,
    changes: group,
  }));
}

/** Writes a page into the memory. */
export function writePage(memory: PageMemory, { changes, ...of }: Sheet): Page {
  const page = { ...of, keys: changes.map(({ key }) => key) };
  let end = 0;
  let long: Uint8Array | undefined;
  for (const [i, { value, modified, created, lease }] of changes.entries()) {
    memory.modified[i] = modified;
    memory.created[i] = created;
    memory.leases[i] = lease;
    if (value !== undefined && value.length > MOST_BYTES) long = new Uint8Array(value);
    else if (value !== undefined) memory.bytes.set(value, end);
    memory.ends[i] = end += long === undefined ? (value?.length ?? 0) : 0;
  }
  return long === undefined ? page : { ...page, long };
}

/** What was written. Values are views of the memory, until the page is taken. */
export function readPage(memory: PageMemory, { keys, long, revision, snapshot, last }: Page): Batch {
  const changes = keys.map((key, i): Change => {
    const created = memory.created[i]!;
    const value = created === 0 ? undefined : (long ?? memory.bytes.subarray(i === 0 ? 0 : memory.ends[i - 1], memory.ends[i]));
    return { key, value, modified: memory.modified[i]!, created, lease: memory.leases[i]! };
  });
  return { changes, revision, snapshot, last };
}

/** Sends one page, and the next one when it is taken. */
export class Outbox {
  readonly #send: (sheet: Sheet) => void;
  readonly #waiting: Sheet[] = [];
  #bytes = 0;
  #underWay = false;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(send: (sheet: Sheet) => void) {
    this.#send = send;
  }

  /** @returns a promise while too much waits: nothing more until it resolves */
  take(range: number, batch: Batch): Promise<void> | undefined {
    for (const sheet of sheetsOf(range, batch)) {
      this.#waiting.push(sheet);
      this.#bytes += sizeOf(sheet);
    }
    if (!this.#underWay) this.#next();
    if (this.#bytes > MOST_WAITING) this.#room ??= Promise.withResolvers<void>();
    return this.#room?.promise;
  }

  /** The page that was sent last is taken. */
  taken(): void {
    this.#next();
  }

  #next(): void {
    const sheet = this.#waiting.shift();
    this.#underWay = sheet !== undefined;
    if (sheet === undefined) return;
    this.#bytes -= sizeOf(sheet);
    this.#send(sheet);
    if (this.#bytes > MOST_WAITING / 2) return;
    this.#room?.resolve();
    this.#room = undefined;
  }
}

/** About: a key counts with its length and its columns. */
function sizeOf({ changes }: Sheet): number {
  return changes.reduce((sum, { key, value }) => sum + (value?.length ?? 0) + key.length + 64, 0);
}
