/**
 * A lease and the keys that live by it, as a state: what happened goes in, what is to be done next comes out. No I/O, no clock.
 *
 * A live owner can lose its lease: a leader that is stopped and goes on revokes what others renewed meanwhile. So a lease that is
 * gone, and a key that vanished, mean a new lease and all keys put again, nothing else. An old id is never tried again.
 */
import type { Change } from '../mirror/changes.ts';

export interface KeeperTimes {
  /** From one renewal to the next, ms. */
  readonly renewMs: number;
  /** After a failure, ms. */
  readonly retryMs: number;
  /** After a failure that only a person ends, ms. */
  readonly lastingMs: number;
}

export type Step =
  | { readonly do: 'grant' }
  | { readonly do: 'renew'; readonly lease: bigint }
  | { readonly do: 'put'; readonly lease: bigint; readonly keys: readonly { readonly key: string; readonly value: Uint8Array }[] }
  /** Until then, ms of the clock; Infinity: until something changes. */
  | { readonly do: 'wait'; readonly until: number };

interface Held {
  value: Uint8Array;
  /** Revision of our put; 0: it is to be put. */
  put: number;
  /** Somebody else wrote it: it is left to him until it vanishes. */
  contested: boolean;
  /** When it is tried again: etcd refuses it, and perhaps no other key. */
  refusedUntil: number;
}

/** Operations of one transaction, with some room below etcd's 128. */
const MOST_PUTS = 64;

export class Keeper {
  readonly #times: KeeperTimes;
  readonly #keys = new Map<string, Held>();
  /** Those we had: a late event of one of them is nobody else's. */
  readonly #own = new Set<bigint>();
  #lease: bigint | undefined;
  #renewAt = 0;
  #notBefore = 0;
  /** Some key is refused: one at a time, so that it keeps no other from being there. */
  #alone = false;
  /** Leases that ended while we lived. */
  #lost = 0;

  constructor(times: KeeperTimes) {
    this.#times = times;
  }

  get lost(): number {
    return this.#lost;
  }

  /** Keys that somebody else writes: another agent with our name. */
  contested(): readonly string[] {
    return [...this.#keys].filter(([, held]) => held.contested).map(([key]) => key);
  }

  /** Whether all keys are in etcd, as far as we know. */
  get complete(): boolean {
    return this.#lease !== undefined && this.#dirty().length === 0 && this.contested().length === 0;
  }

  /** A key is to have this value. */
  set(key: string, value: Uint8Array): void {
    const held = this.#keys.get(key);
    if (held === undefined) this.#keys.set(key, { value, put: 0, contested: false, refusedUntil: 0 });
    else Object.assign(held, { value, put: 0 });
  }

  /** A key is no longer ours to hold; it goes with the lease, or whoever calls deletes it. */
  unset(key: string): void {
    this.#keys.delete(key);
  }

  next(now: number): Step {
    if (this.#keys.size === 0 && this.#lease === undefined) return { do: 'wait', until: Infinity };
    // A renewal is never put off: it works where writing fails, as on a full disk.
    if (this.#lease !== undefined && now >= this.#renewAt) return { do: 'renew', lease: this.#lease };
    const dirty = this.#dirty();
    const work = this.#lease === undefined || dirty.length > 0;
    if (work && now < this.#notBefore) return { do: 'wait', until: Math.min(this.#notBefore, this.#renewal()) };
    if (this.#lease === undefined) return { do: 'grant' };
    const due = dirty.filter(([, { refusedUntil }]) => refusedUntil <= now);
    if (due.length === 0)
      return { do: 'wait', until: Math.min(this.#renewAt, ...dirty.map(([, { refusedUntil }]) => refusedUntil)) };
    const keys = due.slice(0, this.#alone ? 1 : MOST_PUTS).map(([key, { value }]) => ({ key, value }));
    return { do: 'put', lease: this.#lease, keys };
  }

  granted(lease: bigint, now: number): void {
    this.#lease = lease;
    this.#own.add(lease);
    this.#renewAt = now + this.#times.renewMs;
    this.#notBefore = 0;
  }

  /** @param ttl s that it has now; 0: it is gone */
  renewed(ttl: number, now: number): void {
    if (ttl > 0) this.#renewAt = now + this.#times.renewMs;
    else this.gone();
  }

  /** The transaction was carried out at this revision. Values that were set meanwhile are still to be put. */
  put(keys: readonly { readonly key: string; readonly value: Uint8Array }[], revision: number): void {
    for (const { key, value } of keys) {
      const held = this.#keys.get(key);
      if (held?.value === value) Object.assign(held, { put: revision, refusedUntil: 0 });
    }
    this.#notBefore = 0;
    this.#alone = this.#dirty().length > 0 && this.#alone;
  }

  /** etcd does not have the lease any more. */
  gone(): void {
    if (this.#lease === undefined) return;
    this.#lease = undefined;
    this.#lost++;
    this.#notBefore = 0;
    for (const held of this.#keys.values()) held.put = 0;
  }

  /** A step was not carried out, or it is not known whether it was. */
  failed(step: Step, lasting: boolean, now: number): void {
    const { retryMs, lastingMs } = this.#times;
    const at = now + (lasting ? lastingMs : retryMs);
    if (step.do === 'renew') this.#renewAt = now + retryMs;
    else if (step.do === 'put' && lasting) this.#refused(step.keys, at);
    else this.#notBefore = at;
  }

  /** Of several keys one may be what etcd refuses: then each is tried alone. */
  #refused(keys: readonly { readonly key: string }[], at: number): void {
    this.#alone = true;
    const [only, ...others] = keys;
    const held = others.length === 0 ? this.#keys.get(only!.key) : undefined;
    if (held !== undefined) held.refusedUntil = at;
  }

  /** What a mirror reports of our keys. */
  observed(changes: readonly Change[]): void {
    for (const { key, value, modified, lease } of changes) {
      const held = this.#keys.get(key);
      if (held === undefined) continue;
      const foreign = value !== undefined && !this.#own.has(lease);
      if (held.contested) held.contested = foreign;
      else if (held.put === 0 || modified <= held.put) continue;
      else if (foreign) Object.assign(held, { contested: true, put: 0 });
      // Expired or revoked; or somebody deleted the key: then the lease is fine, and a new one does no harm.
      else if (value === undefined) this.gone();
      // A put of ours that we had given up, done by a member after the one that followed it.
      else if (Buffer.compare(value, held.value) !== 0) held.put = 0;
    }
  }

  #dirty(): (readonly [string, Held])[] {
    return [...this.#keys].filter(([, held]) => held.put === 0 && !held.contested);
  }

  #renewal(): number {
    return this.#lease === undefined ? Infinity : this.#renewAt;
  }
}
