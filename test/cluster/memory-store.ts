/** The operator's side of etcd in memory, with what a test wants to go wrong. */
import type { Committed, Snapshot, Store } from '../../src/cluster/store/store.ts';
import { type JsonKind, keyOf, type ValueOf } from '../../src/cluster/keys.ts';
import type { Blob } from '../../src/cluster/release/blob.ts';
import type { TxnPlan } from '../../src/cluster/txn-plan.ts';
import { writeValue } from '../../src/cluster/value-codec.ts';
import { type ClusterState, type Item, StateReader } from '../../src/cluster/view/state.ts';

export class MemoryStore implements Store {
  revision = 1;
  readonly items = new Map<string, Item>();
  /** Called before each transaction: what others do at this very moment. */
  before: () => void = () => undefined;

  read(): Promise<Snapshot> {
    const items = [...this.items.values()].filter(({ key }) => !key.startsWith('blob/'));
    return Promise.resolve({ items, revision: this.revision });
  }

  get state(): ClusterState {
    return readState([...this.items.values()].filter(({ key }) => !key.startsWith('blob/')));
  }

  get(key: string): Promise<Item | undefined> {
    return Promise.resolve(this.items.get(key));
  }

  blob(hash: string): Promise<Buffer | undefined> {
    const found = this.items.get(keyOf('blob', hash))?.value;
    return Promise.resolve(found && Buffer.from(found));
  }

  blobs(): Promise<ReadonlyMap<string, number>> {
    const found = [...this.items.values()].filter(({ key }) => key.startsWith('blob/'));
    return Promise.resolve(new Map(found.map(({ key, mod }) => [key.slice('blob/'.length), mod])));
  }

  putBlobs(blobs: Iterable<Blob>): Promise<void> {
    this.revision++;
    for (const { hash, packed } of blobs) this.raw(keyOf('blob', hash), packed);
    return Promise.resolve();
  }

  commit({ compare, writes }: TxnPlan): Promise<Committed> {
    this.before();
    const holds = compare.every((each) => {
      const item = this.items.get(each.key);
      return 'mod' in each ? (item?.mod ?? 0) === each.mod : (item?.create ?? 0) === each.create;
    });
    if (!holds) return Promise.resolve({ done: false, revision: this.revision });
    this.revision++;
    for (const write of writes) {
      if (write.op === 'delete') this.items.delete(write.key);
      else this.raw(write.key, writeValue(write.kind, write.key, write.value));
    }
    return Promise.resolve({ done: true, revision: this.revision });
  }

  /** Whatever bytes, at this revision. */
  raw(key: string, value: Uint8Array): void {
    this.items.set(key, { key, value, create: this.items.get(key)?.create ?? this.revision, mod: this.revision });
  }

  /** Somebody else writes. */
  put<K extends JsonKind>(kind: K, names: readonly (string | number)[], value: ValueOf<K>): void {
    const key = keyOf(kind, ...names);
    this.revision++;
    this.raw(key, writeValue(kind, key, value));
  }
}

/** All of these keys as values. */
export function readState(items: Iterable<Item>): ClusterState {
  const reader = new StateReader();
  for (const item of items) reader.put(item);
  return reader.state;
}
