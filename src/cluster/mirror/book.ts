/**
 * What a mirror knows of one range of keys, and what follows from each answer of etcd. No I/O, no clock.
 *
 * The cursor is `revision`: every change of the range up to it has been reported. Three things move it: a snapshot, a whole batch
 * of events (to the revision of its last one), a notification of progress with the watch's own id. Never the header of a batch of
 * events, which runs ahead of them while a watcher catches up, never a revision read elsewhere, never time.
 */
import { CODES, RpcError } from '../transport/link.ts';
import type { Header } from '../wire/header.ts';
import type { KeyRange, KeyValue, RangeAnswer, RangeOptions } from '../wire/kv.ts';
import type { Event, WatchAnswer } from '../wire/watch.ts';
import { type Batch, type Change, isOtherHistory, type Why } from './changes.ts';

/** What came of a range, since the start. */
export interface Tally {
  snapshots: number;
  batches: number;
  changes: number;
  /** Events that had been seen before. */
  repeated: number;
  fragments: number;
  progress: number;
}

/** What does not change in a key while nobody writes it: read again as it was at the cursor, it shows the same history. */
type Witness = Pick<KeyValue, 'key' | 'modified' | 'created' | 'version' | 'lease'> & { readonly value: Uint8Array };

interface Reading {
  why: Why;
  /** Keys that were there. */
  readonly keys: Set<string>;
  revision: number;
  next: string | undefined;
  latest: Witness | undefined;
}

export class Book {
  readonly range: KeyRange;
  readonly tally: Tally = { snapshots: 0, batches: 0, changes: 0, repeated: 0, fragments: 0, progress: 0 };
  /** Revision of the last change of each key, as it was reported. */
  readonly #keys = new Map<string, number>();
  #revision = 0;
  #cluster = 0n;
  /** Of raft, from linearizable answers only: a member that is cut off may be ahead. */
  #term = 0;
  /** The last change; undefined: it was a deletion, or there is no key. */
  #witness: Witness | undefined;
  #reading: Reading | undefined;
  #needs: Why | undefined = 'first';
  #parts: Event[] = [];
  /** Whether what is known is of the history that this connection shows. */
  #sure = false;

  constructor(range: KeyRange) {
    this.range = range;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Why it must be read as a whole before it can be watched; undefined: it need not. */
  get needs(): Why | undefined {
    return this.#needs;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** A connection begins: whether it goes on where the last one ended is to be shown. */
  connected(): void {
    this.#sure = false;
    this.drop();
  }

  /** Where a snapshot goes on: the options of the next read. The first read is linearizable, the others are of its revision. */
  nextPage(limit: number): RangeOptions {
    this.#reading ??= { why: this.#needs!, keys: new Set(), revision: 0, next: undefined, latest: undefined };
    const { next, revision } = this.#reading;
    return next === undefined ? { limit } : { limit, from: next, revision };
  }

  /** Gives a snapshot up: it begins again. What was reported of it was so, and is compared with. */
  drop(): void {
    this.#reading = undefined;
  }

  /** The answer to `nextPage`. With `last` the snapshot is complete. */
  page(answer: RangeAnswer): Batch {
    const reading = this.#reading!;
    if (reading.revision === 0) this.#begin(reading, answer);
    const { why } = reading;
    // Revisions of another history may be the same by chance.
    const all = !this.#sure || isOtherHistory(why);
    const changes: Change[] = [];
    for (const kv of answer.items) {
      reading.keys.add(kv.key);
      if ((reading.latest?.modified ?? 0) < kv.modified) reading.latest = witnessOf(kv);
      if (all || this.#keys.get(kv.key) !== kv.modified) changes.push(changeOf(kv));
      this.#keys.set(kv.key, kv.modified);
    }
    const last = !answer.more || answer.items.length === 0;
    reading.next = `${answer.items.at(-1)?.key}\0`;
    if (last) this.#finish(reading, changes);
    return { changes, revision: reading.revision, snapshot: why, last };
  }

  #begin(reading: Reading, { header }: RangeAnswer): void {
    if (reading.why !== 'first') reading.why = this.#otherHistory(header) ?? reading.why;
    reading.revision = header.revision;
    this.#cluster = header.cluster;
    this.#term = header.term;
  }

  #finish(reading: Reading, changes: Change[]): void {
    const { keys, revision, latest } = reading;
    for (const key of this.#keys.keys()) {
      if (keys.has(key)) continue;
      changes.push(gone(key, revision));
      this.#keys.delete(key);
    }
    this.#revision = revision;
    this.#witness = latest;
    this.#reading = undefined;
    this.#needs = undefined;
    this.#sure = true;
    this.tally.snapshots++;
  }

  /** Why a linearizable answer is of another history, as far as its header shows it. */
  #otherHistory({ cluster, revision, term }: Header): Why | undefined {
    if (cluster !== this.#cluster) return 'cluster changed';
    if (revision < this.#revision) return 'revision went back';
    return term < this.#term ? 'history replaced' : undefined;
  }

  /**
   * What shows, at a new connection, whether history goes on: the key that changed last, and how many there are, as at the
   * cursor.
   */
  probe(): { readonly key: string; readonly revision: number } {
    return { key: this.#witness?.key ?? this.range.key, revision: this.#revision };
  }

  /** The answer to `probe`, which was linearizable: that key, if it is there, and the number of keys. */
  confirm(header: Header, found: KeyValue | undefined, count: number): void {
    const witness = this.#witness;
    // Without a key there is none to compare, and a snapshot is as cheap.
    const unconfirmed = witness === undefined;
    const same = count === this.#keys.size && found !== undefined && witness !== undefined && isSame(witness, found);
    this.#needs = this.#otherHistory(header) ?? (same ? undefined : unconfirmed ? 'unconfirmed' : 'history replaced');
    if (this.#needs !== undefined) return;
    this.#term = header.term;
    this.#sure = true;
  }

  /** The failure of `probe` or of a page, if a snapshot follows from it. @returns whether it does */
  refused(error: unknown): boolean {
    if (!(error instanceof RpcError) || error.code !== CODES.outOfRange) return false;
    this.drop();
    this.#needs = error.message.includes('compacted') ? 'compacted' : 'revision went back';
    return true;
  }

  /** A stream begins: of a batch whose rest did not come nothing is kept. */
  opened(): void {
    this.#parts = [];
  }

  /** An answer on the stream with this watch's id; undefined: nothing to report. `needs` may be set afterwards. */
  watched(answer: WatchAnswer): Batch | undefined {
    const { header, canceled, compacted, created, events, fragment } = answer;
    if (header.cluster !== this.#cluster) return this.#again('cluster changed');
    if (canceled && compacted > 0) return this.#again('compacted');
    if (created) return undefined;
    if (events.length === 0 && !fragment && this.#parts.length === 0) {
      if (header.revision > this.#revision) {
        this.#revision = header.revision;
        this.tally.progress++;
      }
      return undefined;
    }
    this.#parts.push(...events);
    if (fragment) {
      this.tally.fragments++;
      return undefined;
    }
    const batch = this.#parts;
    this.#parts = [];
    return this.#apply(batch);
  }

  #apply(batch: readonly Event[]): Batch | undefined {
    const changes: Change[] = [];
    let at = this.#revision;
    let last: KeyValue | undefined;
    for (const { deleted, kv } of batch) {
      if (kv.modified <= this.#revision) {
        this.tally.repeated++;
        continue;
      }
      if (kv.modified < at) return this.#again('batch out of order');
      at = kv.modified;
      changes.push(deleted ? gone(kv.key, kv.modified) : changeOf(kv));
      last = deleted ? undefined : kv;
    }
    if (changes.length === 0) return undefined;
    for (const { key, value, modified } of changes) {
      if (value === undefined) this.#keys.delete(key);
      else this.#keys.set(key, modified);
    }
    this.#witness = last && witnessOf(last);
    this.#revision = at;
    this.tally.batches++;
    this.tally.changes += changes.length;
    return { changes, revision: at, snapshot: undefined, last: true };
  }

  #again(why: Why): undefined {
    this.#needs = why;
    return undefined;
  }
}

function changeOf({ key, value, modified, created, lease }: KeyValue): Change {
  return { key, value, modified, created, lease };
}

function witnessOf(kv: KeyValue): Witness {
  return { ...kv, value: new Uint8Array(kv.value) };
}

function isSame(a: Witness, b: KeyValue): boolean {
  const same = (['key', 'modified', 'created', 'version', 'lease'] as const).every((name) => a[name] === b[name]);
  return same && b.value.equals(a.value);
}

function gone(key: string, modified: number): Change {
  return { key, value: undefined, modified, created: 0, lease: 0n };
}
