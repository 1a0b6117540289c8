/** etcd as the agent of a release sees it: reads, transactions, and values below the cluster's prefix. */
import type { Asked } from '../transport/caller.ts';
import type { TxnPlan, Write } from '../txn-plan.ts';
import { writeValue } from '../value-codec.ts';
import { type KeyValue, rangeRequest, readRange } from '../wire/kv.ts';
import { METHODS, type Method } from '../wire/methods.ts';
import { type Operation, readTxn, txnRequest } from '../wire/txn.ts';

export interface EtcdCalls {
  call(method: Method, request: Uint8Array, asked: Asked): Promise<Buffer>;
}

const TIMING: Asked = { timeoutMs: 3000, againForMs: 6000 };

export class Etcd {
  readonly #calls: EtcdCalls;
  readonly #prefix: string;

  /** @param prefix `/fourlane/<cluster>/` */
  constructor(calls: EtcdCalls, prefix: string) {
    this.#calls = calls;
    this.#prefix = prefix;
  }

  /**
   * A key; undefined = there is none. Rejects as `EtcdCalls.call` does.
   * @param fixed it never changes: any member may answer, and only one that does not have it yet is asked again
   */
  async get(key: string, fixed = false): Promise<KeyValue | undefined> {
    const serializable = async (on: boolean) => {
      const request = rangeRequest({ key: this.#prefix + key }, on ? { serializable: true } : {});
      return readRange(await this.#calls.call(METHODS.range, request, TIMING)).items[0];
    };
    return (fixed ? await serializable(true) : undefined) ?? serializable(false);
  }

  /** @returns the revision of the change, undefined when something is not as it was compared */
  async txn({ compare, writes }: TxnPlan): Promise<number | undefined> {
    const operations = writes.map((write) => this.#operation(write));
    const request = txnRequest({ compare: compare.map((each) => ({ ...each, key: this.#prefix + each.key })), operations });
    const { succeeded, header } = readTxn(await this.#calls.call(METHODS.txn, request, TIMING));
    return succeeded ? header.revision : undefined;
  }

  #operation(write: Write): Operation {
    const key = this.#prefix + write.key;
    if (write.op === 'delete') return { op: 'delete', range: { key } };
    return { op: 'put', key, value: writeValue(write.kind, write.key, write.value) };
  }
}
