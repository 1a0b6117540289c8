/**
 * Changes on their way to the judge's thread: in pages so small that taking one takes a millisecond, one at a time. Columns
 * instead of objects, since copying an object for each of 100 000 keys is what takes long.
 */
import type { Batch, Change, Why } from '../mirror/changes.ts';

export const MOST_CHANGES = 512;
/** Of values. A value that is longer has a page of its own. */
export const MOST_BYTES = 128 << 10;
/** What may wait, in bytes of values and keys, before the mirror stops reading. */
const MOST_WAITING = 8 << 20;

export interface Page {
  readonly range: number;
  readonly revision: number;
  readonly snapshot: Why | undefined;
  readonly last: boolean;
  readonly keys: readonly string[];
  readonly modified: Float64Array<ArrayBuffer>;
  /** 0: the key is gone. */
  readonly created: Float64Array<ArrayBuffer>;
  readonly leases: BigUint64Array<ArrayBuffer>;
  /** Where each value ends in `bytes`; it begins where the one before ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A batch as pages, at least one. */
export function pagesOf(range: number, batch: Batch): Page[] {
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
    ...columns(group),
  }));
}

function columns(changes: readonly Change[]) {
  const ends = new Uint32Array(changes.length);
  let end = 0;
  for (const [i, { value }] of changes.entries()) ends[i] = end += value?.length ?? 0;
  const bytes = new Uint8Array(end);
  for (const [i, { value }] of changes.entries()) if (value !== undefined) bytes.set(value, i === 0 ? 0 : ends[i - 1]!);
  return {
    keys: changes.map(({ key }) => key),
    modified: Float64Array.from(changes, ({ modified }) => modified),
    created: Float64Array.from(changes, ({ created }) => created),
    leases: BigUint64Array.from(changes, ({ lease }) => lease),
    ends,
    bytes,
  };
}

/** The buffers of a page, which are moved and not copied. */
export function buffersOf({ modified, created, leases, ends, bytes }: Page): ArrayBuffer[] {
  return [modified, created, leases, ends, bytes].map(({ buffer }) => buffer);
}

/** Values are views of the page. */
export function batchOf({ keys, modified, created, leases, ends, bytes, revision, snapshot, last }: Page): Batch {
  const changes = keys.map((key, i): Change => {
    const value = created[i] === 0 ? undefined : bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]);
    return { key, value, modified: modified[i]!, created: created[i]!, lease: leases[i]! };
  });
  return { changes, revision, snapshot, last };
}

/** Sends one page, and the next one when it is taken. */
export class Outbox {
  readonly #send: (page: Page) => void;
  readonly #waiting: Page[] = [];
  #bytes = 0;
  #underWay = false;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(send: (page: Page) => void) {
    this.#send = send;
  }

  /** @returns a promise while too much waits: nothing more until it resolves */
  take(range: number, batch: Batch): Promise<void> | undefined {
    for (const page of pagesOf(range, batch)) {
      this.#waiting.push(page);
      this.#bytes += sizeOf(page);
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
    const page = this.#waiting.shift();
    this.#underWay = page !== undefined;
    if (page === undefined) return;
    this.#bytes -= sizeOf(page);
    this.#send(page);
    if (this.#bytes > MOST_WAITING / 2) return;
    this.#room?.resolve();
    this.#room = undefined;
  }
}

/** About: a key counts with its length and its columns. */
function sizeOf({ keys, bytes }: Page): number {
  return bytes.length + keys.reduce((sum, key) => sum + key.length + 64, 0);
}
