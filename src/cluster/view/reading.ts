/** What stands in etcd as values, read again and again by one command or thread: what is as it was is not parsed again. */
import type { Store } from '../store/store.ts';
import { type ClusterState, type Item, StateReader } from './state.ts';

/** What was read last. */
class Reading {
  readonly #reader = new StateReader();
  readonly #items = new Map<string, Item>();

  /** These items are there now, and no others. */
  become(items: readonly Item[]): ClusterState {
    const gone = new Set(this.#items.keys());
    for (const item of items) {
      gone.delete(item.key);
      const before = this.#items.get(item.key);
      if (before !== undefined && isSame(before, item)) continue;
      this.#items.set(item.key, item);
      this.#reader.put(item);
    }
    for (const key of gone) {
      this.#items.delete(key);
      this.#reader.remove(key);
    }
    return this.#reader.snapshot();
  }
}

/** Revisions alone would not tell: those of an etcd that was restored are given anew. */
const isSame = (one: Item, other: Item) =>
  one.mod === other.mod && one.create === other.create && Buffer.compare(one.value, other.value) === 0;

const readings = new WeakMap<Pick<Store, 'read'>, Reading>();

/** All that stands there, at one revision. Rejects as `read` does; what is damaged is among its problems. */
export async function stateOf(store: Pick<Store, 'read'>): Promise<ClusterState> {
  const { items } = await store.read();
  const reading = readings.get(store) ?? new Reading();
  readings.set(store, reading);
  return reading.become(items);
}
