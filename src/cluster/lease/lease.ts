/**
 * Keeps a lease and its keys in etcd: carries out what the keeper asks for, each with a deadline, after a failure by another
 * member.
 */
import type { Change } from '../mirror/changes.ts';
import type { Caller } from '../transport/caller.ts';
import { CODES, isFull, isLasting, RpcError } from '../transport/link.ts';
import { grantRequest, leaseRequest, readLease } from '../wire/lease.ts';
import { METHODS } from '../wire/methods.ts';
import { readTxn, txnRequest } from '../wire/txn.ts';
import { Keeper, type Step } from './keeper.ts';

export interface LeaseOptions {
  /** Of its own: a renewal that is late must not wait behind other calls, nor change their member. */
  readonly caller: Caller;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** s */
  readonly ttl?: number;
  readonly changed: (state: LeaseState) => void;
}

export interface LeaseState {
  /** All keys are in etcd. */
  readonly held: boolean;
  /** Why not; '' when they are, or the first try is under way. */
  readonly error: string;
  /** Leases that ended while we lived. */
  readonly lost: number;
  /** Keys that another agent with our name writes. */
  readonly contested: readonly string[];
}

const TTL_S = 15;
const MOST_RENEWAL_MS = 2000;
const CALL_MS = 2000;
const RETRY_MS = 300;
const LASTING_MS = 10_000;

export class Lease {
  readonly #o: LeaseOptions;
  readonly #keeper: Keeper;
  readonly #ttl: number;
  readonly #renewalMs: number;
  #wake: (() => void) | undefined;
  #stopping = false;
  #lease = 0n;
  #error = '';
  #shown = '';

  constructor(options: LeaseOptions) {
    this.#o = options;
    this.#ttl = options.ttl ?? TTL_S;
    const ttlMs = this.#ttl * 1000;
    this.#renewalMs = Math.min(MOST_RENEWAL_MS, ttlMs / 6);
    this.#keeper = new Keeper({ renewMs: ttlMs / 3, retryMs: RETRY_MS, lastingMs: LASTING_MS });
  }

  /** A key is to be in etcd with this value, for as long as we live. */
  set(key: string, value: Uint8Array): void {
    this.#keeper.set(key, value);
    this.#wake?.();
  }

  /** What a mirror that has our keys in its range reports of them. */
  observed(changes: readonly Change[]): void {
    this.#keeper.observed(changes);
    this.#wake?.();
  }

  /** Runs until `stop`; never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#o;
    while (!this.#stopping) {
      const step = this.#keeper.next(clock());
      if (step.do === 'wait') {
        this.#show();
        await this.#wait(step.until - clock());
      } else await this.#carryOut(step);
    }
  }

  /** The keys stay until the lease ends by itself; with `revoke` they are gone at once. */
  async stop({ revoke = false } = {}): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    if (revoke && this.#lease !== 0n) {
      const asked = this.#o.caller.call(METHODS.leaseRevoke, leaseRequest(this.#lease), { timeoutMs: CALL_MS });
      await asked.catch(() => undefined); // it ends by itself
    }
    this.#o.caller.close();
  }

  async #carryOut(step: Exclude<Step, { do: 'wait' }>): Promise<void> {
    const { caller, clock } = this.#o;
    const keeper = this.#keeper;
    try {
      if (step.do === 'grant') {
        const { id } = readLease(await caller.call(METHODS.leaseGrant, grantRequest(this.#ttl), { timeoutMs: CALL_MS }));
        keeper.granted((this.#lease = id), clock());
      } else if (step.do === 'renew') {
        const timing = { timeoutMs: this.#renewalMs, way: 'first' } as const;
        // From when it was asked: the answer may have been long under way.
        const asked = clock();
        keeper.renewed(readLease(await caller.call(METHODS.leaseKeepAlive, leaseRequest(step.lease), timing)).ttl, asked);
      } else {
        const operations = step.keys.map(({ key, value }) => ({ op: 'put', key, value, lease: step.lease }) as const);
        const answer = await caller.call(METHODS.txn, txnRequest({ compare: [], operations }), { timeoutMs: CALL_MS });
        keeper.put(step.keys, readTxn(answer).header.revision);
      }
      this.#error = '';
    } catch (error) {
      if (this.#stopping) return;
      if (step.do !== 'grant' && isNoLease(error)) keeper.gone();
      else keeper.failed(step, isLasting(error) || isFull(error), clock());
      this.#error = `${WORDS[step.do]}: ${(error as Error).message}`;
      this.#show();
    }
  }

  /** Reports a state that differs from the last one. */
  #show(): void {
    const contested = this.#keeper.contested();
    const state = { held: this.#keeper.complete, error: this.#error, lost: this.#keeper.lost, contested };
    const shown = JSON.stringify(state);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#o.changed(state);
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stopping || ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

const WORDS = { grant: 'no lease', renew: 'not renewed', put: 'not written' } as const;

function isNoLease(error: unknown): boolean {
  return error instanceof RpcError && error.code === CODES.notFound;
}
