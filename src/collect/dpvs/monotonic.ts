/** Counters that DPVS keeps or shows in ways that a plain cumulative counter is not. */
import { type Exact, minus, plus } from '../../model/exact.ts';
import type { Traffic } from '../service-metrics.ts';
import type { Dest } from './services.ts';

const HALF = 2 ** 31;
const WHOLE = 2 ** 32;

/**
 * Counters of 32 bits, carried on: one that falls from the upper half to the lower one has wrapped; else its pool was created
 * again.
 */
export class Wrapping {
  #seen = new Map<string, { raw: number; carried: number }>();

  /** @returns the counter with what was carried */
  follow(key: string, raw: number): number {
    const before = this.#seen.get(key);
    let carried = before?.carried ?? 0;
    if (before !== undefined && raw < before.raw) carried = before.raw >= HALF && raw < HALF ? carried + WHOLE : 0;
    this.#seen.set(key, { raw, carried });
    return raw + carried;
  }

  /** Forgets all but these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#seen.keys()) if (!keys.has(key)) this.#seen.delete(key);
  }
}

/**
 * Bursts that were neither empty nor full. Some cores count while they are read, so the difference can go back by a few: shown is
 * the highest so far, until the total falls, which means that all started again.
 */
export class PartialBursts {
  #seen = new Map<number, { total: Exact; partial: Exact }>();

  follow(lcore: number, total: Exact, empty: Exact, full: Exact): Exact {
    const before = this.#seen.get(lcore);
    const now = minus(minus(total, empty), full);
    const floor = before !== undefined && total >= before.total ? before.partial : 0;
    const partial = now > floor ? now : floor;
    this.#seen.set(lcore, { total, partial });
    return partial;
  }
}

const FIELDS = ['connections', 'inPackets', 'outPackets', 'inBytes', 'outBytes'] as const;
const ZERO: Traffic = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };

/** Sums over real servers that do not fall when one of them is removed. */
export class Sums {
  #before = new Map<string, Traffic>();
  #total: Traffic = ZERO;

  /** Adds what each real server increased by; all of it when it is new or has started again. @returns the sum so far */
  follow(dests: readonly Dest[]): Traffic {
    const total: Record<(typeof FIELDS)[number], Exact> = { ...this.#total };
    for (const { realServer, traffic } of dests) {
      const before = this.#before.get(realServer);
      const from = before === undefined || FIELDS.some((f) => traffic[f] < before[f]) ? ZERO : before;
      for (const field of FIELDS) total[field] = plus(total[field], minus(traffic[field], from[field]));
    }
    this.#before = new Map(dests.map((d) => [d.realServer, d.traffic]));
    this.#total = total;
    return total;
  }
}
