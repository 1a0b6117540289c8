/** The services part of a reading: the list, and real servers of as many services as one reading may ask for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerCore } from './data.ts';
import { changedMeanwhile, type Control, type Release } from './control.ts';
import { Sums } from './monotonic.ts';
import {
  type Dest,
  decodeDests,
  decodeInfo,
  decodeService,
  decodeServices,
  destsFrom,
  encodeDests,
  encodeService,
  encodeServices,
  type Service,
} from './services.ts';
import { DecodeError } from './wire.ts';

const NOTHING = Buffer.alloc(0);
/** Lists of services asked for in one reading when they keep changing. */
const LIST_ATTEMPTS = 3;

/** What this part may cost DPVS: each of these questions interrupts every worker. */
export interface Budget {
  /** Services whose real servers one reading asks for. */
  readonly services: number;
  /** Between two questions, ms. */
  readonly pauseMs: number;
}

/** How DPVS counts its workers, from 1 in ascending order of lcores. */
interface Worker {
  readonly index: number;
  readonly lcore: number;
}

export class Tables {
  readonly #control: Control;
  readonly #release: Release;
  readonly #budget: Budget;
  /** Real servers as last read. */
  #dests = new Map<string, readonly Dest[]>();
  /** Services are taken in turns: where the next reading begins. */
  #turn = 0;
  #perCore = new Map<string, { sums: Sums; reading: PerCore }>();
  #perCoreDue: { readonly service: string; readonly index: number }[] = [];
  #perCoreRound = Number.NEGATIVE_INFINITY;

  constructor(control: Control, release: Release, budget: Budget) {
    this.#control = control;
    this.#release = release;
    this.#budget = budget;
  }

  #ask(message: 'INFO' | 'SERVICES' | 'SERVICE' | 'DESTS', body: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    return this.#control.ask(this.#release.dialect, message, body, signal);
  }

  /** Rejects when the list can't be had, also because it changes each time. */
  async list(signal: AbortSignal): Promise<readonly Service[]> {
    for (let attempt = 1; ; attempt++) {
      const { services } = decodeInfo(await this.#ask('INFO', NOTHING, signal));
      if (services === 0) return [];
      try {
        const body = await this.#ask('SERVICES', encodeServices(this.#release.layout, services, 0), signal);
        return decodeServices(this.#release.layout, body);
      } catch (error) {
        if (!changedMeanwhile(error) || attempt === LIST_ATTEMPTS) throw error;
      }
    }
  }

  /** Real servers of each service, read now or earlier, and how many could not be read this time. */
  async realServers(
    services: readonly Service[],
    signal: AbortSignal,
  ): Promise<{ readonly of: ReadonlyMap<string, readonly Dest[]>; readonly unread: number }> {
    const next = new Map<string, readonly Dest[]>();
    for (const { service } of services) {
      const known = this.#dests.get(service);
      if (known !== undefined) next.set(service, known);
    }
    this.#dests = next;
    const count = Math.min(this.#budget.services, services.length);
    let unread = services.length - count;
    for (let i = 0; i < count; i++) {
      const service = services[(this.#turn + i) % services.length]!;
      const dests = await this.#read(service, signal);
      if (dests === undefined) unread++;
      else next.set(service.service, dests);
    }
    this.#turn = services.length === 0 ? 0 : (this.#turn + count) % services.length;
    return { of: next, unread };
  }

  /** Real servers of a service as they are now, out of turn. undefined: its table changed under us. */
  now(service: Service, signal: AbortSignal): Promise<readonly Dest[] | undefined> {
    return this.#read(service, signal);
  }

  /** By all workers together, or by one. undefined: its table changed under us, twice. */
  async #read(s: Service, signal: AbortSignal, worker?: Worker): Promise<readonly Dest[] | undefined> {
    const { layout } = this.#release;
    if (s.dests === 0) return [];
    if (this.#budget.pauseMs > 0) await sleep(this.#budget.pauseMs, undefined, { signal });
    try {
      return await this.#asked(s, signal, worker);
    } catch (error) {
      if (!changedMeanwhile(error)) throw error;
    }
    if (layout.service.texts) return undefined;
    try {
      const now = decodeService(layout, await this.#ask('SERVICE', encodeService(layout, s), signal));
      return await this.#asked(now, signal, worker);
    } catch (error) {
      if (changedMeanwhile(error)) return undefined;
      throw error;
    }
  }

  async #asked(s: Service, signal: AbortSignal, worker: Worker | undefined): Promise<readonly Dest[]> {
    const { layout } = this.#release;
    const body = await this.#ask('DESTS', encodeDests(layout, s, worker?.index ?? 0), signal);
    const from = worker === undefined ? undefined : destsFrom(layout, body);
    if (from !== worker?.lcore)
      throw new DecodeError(`DESTS of worker ${worker?.index}`, `those of lcore ${from}`, `${worker?.lcore}`);
    return decodeDests(layout, body, s.dests);
  }

  /**
   * Real servers of each service on each worker, as last read. A round over all of them begins when the last one is `isDue` by
   * its age in ms, and is spread over readings: each asks as many questions as one reading of the services does.
   */
  async perCore(
    services: readonly Service[],
    workers: readonly number[],
    { now, isDue }: { readonly now: number; readonly isDue: (age: number) => boolean },
    signal: AbortSignal,
  ): Promise<readonly PerCore[]> {
    if (!this.#release.layout.perCore) return [];
    if (this.#perCoreDue.length === 0 && isDue(now - this.#perCoreRound)) {
      this.#perCoreRound = now;
      this.#perCoreDue = workers.flatMap((_, i) => services.map(({ service }) => ({ service, index: i + 1 })));
    }
    const byName = new Map(services.map((s) => [s.service, s]));
    for (const { service, index } of this.#perCoreDue.splice(0, this.#budget.services)) {
      const known = byName.get(service);
      const lcore = workers[index - 1];
      const dests = known === undefined || lcore === undefined ? undefined : await this.#read(known, signal, { index, lcore });
      if (dests !== undefined) this.#keep(service, lcore!, dests);
    }
    for (const [key, { reading }] of this.#perCore) if (!byName.has(reading.service)) this.#perCore.delete(key);
    // In the order of the services, so that series keep theirs.
    return services.flatMap(({ service }) => workers.flatMap((lcore) => this.#perCore.get(`${service} ${lcore}`)?.reading ?? []));
  }

  #keep(service: string, lcore: number, realServers: readonly Dest[]): void {
    const key = `${service} ${lcore}`;
    const sums = this.#perCore.get(key)?.sums ?? new Sums();
    this.#perCore.set(key, { sums, reading: { service, lcore, traffic: sums.follow(realServers), realServers } });
  }
}
