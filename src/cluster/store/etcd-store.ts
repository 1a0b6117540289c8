/** The keys of a cluster in etcd, over calls to whichever member answers. */
import { keyOf } from '../keys.ts';
import type { Blob } from '../release/blob.ts';
import type { Asked, Caller } from '../transport/caller.ts';
import type { TxnPlan, Write } from '../txn-plan.ts';
import { checkSize, writeValue } from '../value-codec.ts';
import type { Item } from '../view/state.ts';
import { type KeyRange, type KeyValue, prefixRange, rangeRequest, readRange } from '../wire/kv.ts';
import { METHODS, type Method } from '../wire/methods.ts';
import { type Operation, readTxn, txnRequest } from '../wire/txn.ts';
import { unreachable } from './failure.ts';
import type { Committed, Snapshot, Store } from './store.ts';

/** Reads, and transactions that compare, may be tried again at another member. */
const TIMING: Asked = { timeoutMs: 3000, againForMs: 6000 };
/** Of one transaction: etcd takes 1.5 MB, and 128 operations. */
const MOST_BYTES = 1_000_000;
const MOST_OPERATIONS = 64;

/** What a cluster has in etcd but for its blobs, which are not read with the rest: two ranges, before and behind them. */
export function rangesOf(prefix: string): readonly [KeyRange, KeyRange] {
  const blobs = prefixRange(prefix + keyOf('blob'));
  return [
    { key: prefix, end: Buffer.from(prefix + keyOf('blob')) },
    { key: blobs.end!.toString(), end: prefixRange(prefix).end! },
  ];
}

/** `Caller`, or the thread that has one. */
export type Calls = Pick<Caller, 'call'>;

export class EtcdStore implements Store {
  readonly #caller: Calls;
  readonly #prefix: string;

  /** @param prefix `/fourlane/<cluster>/` */
  constructor(caller: Calls, prefix: string) {
    this.#caller = caller;
    this.#prefix = prefix;
  }

  async read(): Promise<Snapshot> {
    const operations = rangesOf(this.#prefix).map((range): Operation => ({ op: 'range', range }));
    const { header, ranges } = readTxn(await this.#call(METHODS.txn, txnRequest({ compare: [], operations })));
    return { items: ranges.flatMap(({ items }) => items.map((kv) => itemOf(kv, this.#prefix))), revision: header.revision };
  }

  async get(key: string, isFixed = false): Promise<Item | undefined> {
    const range = { key: this.#prefix + key };
    // A member that lags behind may lack it: then those that don't are asked.
    for (const serializable of isFixed ? [true, false] : [false]) {
      const [found] = readRange(await this.#call(METHODS.range, rangeRequest(range, { serializable }))).items;
      if (found !== undefined) return itemOf(found, this.#prefix);
    }
    return undefined;
  }

  async blob(hash: string): Promise<Buffer | undefined> {
    const key = keyOf('blob', hash);
    const value = (await this.get(key, true))?.value;
    if (value !== undefined) checkSize('blob', key, value.length);
    return value === undefined ? undefined : Buffer.from(value);
  }

  async blobs(): Promise<ReadonlyMap<string, number>> {
    const range = prefixRange(this.#prefix + keyOf('blob'));
    const { items } = readRange(await this.#call(METHODS.range, rangeRequest(range, { keysOnly: true })));
    return new Map(items.map(({ key, modified }) => [key.slice(range.key.length), modified]));
  }

  async putBlobs(blobs: Iterable<Blob>): Promise<void> {
    let operations: Operation[] = [];
    let bytes = 0;
    const send = async () => {
      if (operations.length > 0) await this.#call(METHODS.txn, txnRequest({ compare: [], operations }));
      [operations, bytes] = [[], 0];
    };
    for (const { hash, packed } of blobs) {
      checkSize('blob', keyOf('blob', hash), packed.length);
      if (operations.length === MOST_OPERATIONS || bytes + packed.length > MOST_BYTES) await send();
      operations.push({ op: 'put', key: this.#prefix + keyOf('blob', hash), value: packed });
      bytes += packed.length;
    }
    await send();
  }

  async commit({ compare, writes }: TxnPlan, lease = 0n): Promise<Committed> {
    const operations = writes.map((write) => this.#operation(write, lease));
    const request = {
      compare: compare.map((each) => ({ ...each, key: this.#prefix + each.key })),
      operations,
      otherwise: operations.map(({ key }): Operation => ({ op: 'range', range: { key } })),
    };
    const { succeeded, header, ranges } = readTxn(await this.#call(METHODS.txn, txnRequest(request)));
    if (succeeded) return { done: true, revision: header.revision };
    // It may have been carried out, and its answer lost: then all stands there as we wanted it.
    const found = ranges.map(({ items }) => items[0]);
    const isThere = operations.every(({ value }, i) =>
      value === undefined ? found[i] === undefined : found[i]?.value.equals(value),
    );
    if (!isThere || lease !== 0n) return { done: false, revision: header.revision };
    return { done: true, revision: Math.max(0, ...found.map((kv) => kv?.modified ?? 0)) || header.revision };
  }

  #operation(write: Write, lease: bigint) {
    const key = this.#prefix + write.key;
    if (write.op === 'delete') return { op: 'delete', key, range: { key }, value: undefined } as const;
    const value = writeValue(write.kind, write.key, write.value);
    return { op: 'put', key, value, ...(write.leased ? { lease } : {}) } as const;
  }

  async #call(method: Method, request: Buffer): Promise<Buffer> {
    try {
      return await this.#caller.call(method, request, TIMING);
    } catch (error) {
      throw unreachable(error);
    }
  }
}

/** A key as the views read it. */
export function itemOf({ key, value, created, modified }: KeyValue, prefix: string): Item {
  return { key: key.slice(prefix.length), value, create: created, mod: modified };
}
