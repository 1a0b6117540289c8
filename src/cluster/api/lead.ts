/** The key `lead/rollout`: held by a lease of its own, created only when nobody has it, never put again under another lease. */
import { keyOf } from '../keys.ts';
import type { Caller } from '../transport/caller.ts';
import { put, type Write } from '../txn-plan.ts';
import { grantRequest, leaseRequest, readLease } from '../wire/lease.ts';
import { METHODS } from '../wire/methods.ts';
import type { Store } from '../store/store.ts';

export interface LeadParts {
  readonly store: Store;
  /** Of its own: a renewal must not wait behind other calls. */
  readonly caller: Caller;
  readonly by: string;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** For people, ISO 8601. */
  readonly at: () => string;
}

const TTL_S = 15;
const RENEW_MS = 5000;
const CALL_MS = 2000;

export class Lead {
  readonly #p: LeadParts;
  #lease = 0n;
  #create: number | undefined;
  #renewed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LeadParts) {
    this.#p = parts;
  }

  /**
   * Create revision of the own key; undefined = somebody else leads, or nobody knows. Asked before each step, though the step
   * of one who no longer leads does nothing in any case: it compares this revision.
   */
  get create(): number | undefined {
    return this.#p.clock() - this.#renewed < TTL_S * 1000 ? this.#create : undefined;
  }

  /** Tries to lead; does nothing while it does. Rejects as the store does. */
  async take(): Promise<void> {
    if (this.create !== undefined) return;
    await this.#drop();
    const { store, caller, by, at, clock } = this.#p;
    const began = clock();
    const { id } = readLease(await caller.call(METHODS.leaseGrant, grantRequest(TTL_S), { timeoutMs: CALL_MS }));
    this.#lease = id;
    const write = { ...put('lead', [], { by, at: at() }), leased: true } as Write;
    const { done, revision } = await store.commit({ compare: [{ key: keyOf('lead'), create: 0 }], writes: [write] }, id);
    if (!done) return this.#drop();
    [this.#create, this.#renewed] = [revision, began];
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS);
    return undefined;
  }

  /** The key is gone, or somebody else's. */
  lost(): void {
    this.#create = undefined;
  }

  /** Somebody else may lead at once. */
  async release(): Promise<void> {
    await this.#drop();
    this.#p.caller.close();
  }

  async #renew(): Promise<void> {
    const { caller, clock } = this.#p;
    const asked = clock();
    try {
      const timing = { timeoutMs: CALL_MS, againForMs: RENEW_MS - CALL_MS, way: 'first' } as const;
      const { ttl } = readLease(await caller.call(METHODS.leaseKeepAlive, leaseRequest(this.#lease), timing));
      if (ttl > 0) this.#renewed = asked;
      else this.lost();
    } catch {
      // The next one, or the lease ends: `create` knows by its clock.
    }
  }

  async #drop(): Promise<void> {
    clearInterval(this.#timer);
    const lease = this.#lease;
    this.lost();
    this.#lease = 0n;
    if (lease === 0n) return;
    const asked = this.#p.caller.call(METHODS.leaseRevoke, leaseRequest(lease), { timeoutMs: CALL_MS });
    await asked.catch(() => undefined); // it ends by itself
  }
}
