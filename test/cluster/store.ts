/**
 * A model of etcd's store, watched and read below /p/: history by revisions, compaction, restore. What its answers are is checked
 * against the real one.
 */
import type { KeyValue, RangeAnswer, RangeOptions } from '../../src/cluster/wire/kv.ts';
import type { Event } from '../../src/cluster/wire/watch.ts';
import type { Header } from '../../src/cluster/wire/header.ts';
import { CODES, RpcError } from '../../src/cluster/transport/link.ts';

const IN_RANGE = (key: string) => key.startsWith('/p/');

interface Revision {
  readonly events: readonly Event[];
}

export class Store {
  #history: Revision[] = [{ events: [] }];
  compacted = 0;
  term = 2;
  cluster = 10n;

  /** The first revision is 1: nothing has happened. */
  get revision(): number {
    return this.#history.length;
  }

  get header(): Header {
    return { cluster: this.cluster, member: 1n, revision: this.revision, term: this.term };
  }

  /** One transaction. A key without a value is deleted. */
  write(changes: Readonly<Record<string, string | undefined>>): void {
    const modified = this.revision + 1;
    const now = this.at(this.revision);
    const events = Object.entries(changes).flatMap(([key, text]): Event[] => {
      const before = now.get(key);
      if (text === undefined && before === undefined) return [];
      const value = Buffer.from(text ?? '');
      if (text === undefined) return [{ deleted: true, kv: { key, value, created: 0, modified, version: 0, lease: 0n } }];
      const version = (before?.version ?? 0) + 1;
      return [{ deleted: false, kv: { key, value, created: before?.created ?? modified, modified, version, lease: 0n } }];
    });
    if (events.length > 0) this.#history.push({ events });
  }

  /** All keys as they were, in their order. */
  at(revision: number): Map<string, KeyValue> {
    const items = new Map<string, KeyValue>();
    for (const { events } of this.#history.slice(0, revision)) {
      for (const { deleted, kv } of events) {
        if (deleted) items.delete(kv.key);
        else items.set(kv.key, kv);
      }
    }
    return new Map([...items].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** As etcd answers; `key`: that one only. Throws what etcd refuses with. */
  range({ from = '', limit = Infinity, revision = this.revision }: RangeOptions = {}, key?: string): RangeAnswer {
    this.check(revision);
    const all = [...this.at(revision).values()].filter((kv) =>
      key === undefined ? kv.key >= from && IN_RANGE(kv.key) : kv.key === key,
    );
    return { header: this.header, items: all.slice(0, limit), more: all.length > limit, count: all.length };
  }

  check(revision: number): void {
    if (revision > this.revision)
      throw new RpcError(CODES.outOfRange, 'etcdserver: mvcc: required revision is a future revision');
    if (revision < this.compacted) throw new RpcError(CODES.outOfRange, 'etcdserver: mvcc: required revision has been compacted');
  }

  /** Events in the range of the revisions from `start` on, by revision. */
  since(start: number): readonly (readonly Event[])[] {
    return this.#history.slice(start - 1).map(({ events }) => events.filter(({ kv }) => IN_RANGE(kv.key)));
  }

  /** Goes back to how it was at a revision: what was written since is gone. The elections are counted from the beginning. */
  restore(revision: number, term: number): void {
    this.#history = this.#history.slice(0, revision);
    this.compacted = Math.min(this.compacted, revision);
    this.term = term;
  }
}
