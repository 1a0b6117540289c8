/** As much of etcd as decisions see: keys with revisions, transactions that compare, leases that end. Values stay objects. */
import type { Compare, TxnPlan } from '../../../src/cluster/txn-plan.ts';

export interface Item {
  readonly value: unknown;
  readonly create: number;
  readonly mod: number;
}

export class EtcdModel {
  revision = 1;
  readonly items = new Map<string, Item>();

  get(key: string): Item | undefined {
    return this.items.get(key);
  }

  value<T>(key: string): T | undefined {
    return this.items.get(key)?.value as T | undefined;
  }

  #holds(compare: Compare): boolean {
    const item = this.items.get(compare.key);
    return 'mod' in compare ? (item?.mod ?? 0) === compare.mod : (item?.create ?? 0) === compare.create;
  }

  /** @returns whether it was carried out */
  txn({ compare, writes }: TxnPlan): boolean {
    if (!compare.every((each) => this.#holds(each))) return false;
    this.revision++;
    for (const write of writes) {
      if (write.op === 'delete') this.items.delete(write.key);
      else this.put(write.key, write.value, this.revision);
    }
    return true;
  }

  put(key: string, value: unknown, revision = ++this.revision): void {
    const create = this.items.get(key)?.create ?? revision;
    this.items.set(key, { value, create, mod: revision });
  }

  delete(key: string): void {
    if (this.items.delete(key)) this.revision++;
  }

  /** Values below a prefix, by the rest of their keys. */
  below<T>(prefix: string): Map<string, T> {
    const found = new Map<string, T>();
    for (const [key, { value }] of this.items) if (key.startsWith(prefix)) found.set(key.slice(prefix.length), value as T);
    return found;
  }
}

/** Counts of what happened in histories: a property about nothing proves nothing. */
export class Tally extends Map<string, number> {
  count(word: string): void {
    this.set(word, (this.get(word) ?? 0) + 1);
  }
}

export type Random = () => number;
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
