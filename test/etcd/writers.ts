/** Writers that note what they sent, and what etcd confirmed at which revision. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import { rangeRequest, readRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { type Operation, readTxn, type Txn, txnRequest } from '../../src/cluster/wire/txn.ts';
import { type EtcdCluster, PREFIX } from './cluster.ts';

const KEYS = 200;
const CALL_MS = 2000;
const below = (n: number) => Math.floor(Math.random() * n);

/** A change, for comparing. */
export function describe(key: string, value: Uint8Array | undefined): string {
  return value === undefined ? `${key} deleted` : `${key}=${Buffer.from(value).toString()}`;
}

export class Writers {
  /** Value → the key it was sent for. */
  readonly sent = new Map<string, string>();
  /** Revision → what was written at it. */
  readonly confirmed = new Map<number, readonly string[]>();
  /** Not known whether they were carried out. */
  unclear = 0;
  readonly #callers: readonly Caller[];
  readonly #running: Promise<unknown>;
  readonly #pauseMs: number;
  #going = true;
  #values = 0;

  /** `pauseMs`: the longest between two writes of one of them. */
  constructor(cluster: EtcdCluster, count: number, pauseMs: number) {
    this.#pauseMs = pauseMs;
    this.#callers = Array.from({ length: count }, () => cluster.caller('api'));
    this.#running = Promise.all(this.#callers.map((caller) => this.#write(caller)));
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#running;
    for (const caller of this.#callers) caller.close();
  }

  async #write(caller: Caller): Promise<void> {
    while (this.#going) {
      try {
        const txn = await this.#next(caller);
        if (txn !== undefined) await this.#carryOut(caller, txn);
        await sleep(below(this.#pauseMs));
      } catch {
        this.unclear++;
        await sleep(50 + below(100));
      }
    }
  }

  async #carryOut(caller: Caller, txn: Txn): Promise<void> {
    const { succeeded, header } = readTxn(await caller.call(METHODS.txn, txnRequest(txn), { timeoutMs: CALL_MS }));
    if (!succeeded) return;
    const changes = txn.operations.flatMap((operation) => {
      if (operation.op === 'put') return [describe(operation.key, Buffer.from(operation.value))];
      return operation.op === 'delete' ? [describe(operation.range.key, undefined)] : [];
    });
    this.confirmed.set(header.revision, changes);
  }

  /** Mostly a put, sometimes three at one revision, sometimes the deletion of a key that is still as it was read. */
  async #next(caller: Caller): Promise<Txn | undefined> {
    const kind = below(10);
    if (kind < 7) return { compare: [], operations: [this.#put(below(KEYS))] };
    if (kind < 9) {
      const first = below(KEYS);
      return { compare: [], operations: [0, 1, 2].map((i) => this.#put((first + i) % KEYS)) };
    }
    const key = `${PREFIX}target/${below(KEYS)}`;
    const { items } = readRange(await caller.call(METHODS.range, rangeRequest({ key }), { timeoutMs: CALL_MS }));
    if (items[0] === undefined) return undefined;
    return { compare: [{ key, mod: items[0].modified }], operations: [{ op: 'delete', range: { key } }] };
  }

  #put(i: number): Operation {
    const key = `${PREFIX}target/${i}`;
    const value = `${++this.#values}.${'x'.repeat(below(300))}`;
    this.sent.set(value, key);
    return { op: 'put', key, value };
  }
}
