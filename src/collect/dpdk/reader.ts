/**
 * One reading of one DPDK process, part by part: a part that it answers wrongly is left out and reported, the others are kept.
 */
import type { z } from 'zod';
import type { Exact } from '../../model/exact.ts';
import { type Answer, decode, names, small } from '../telemetry/answer.ts';
import type { Session } from '../telemetry/client.ts';
import * as commands from '../telemetry/commands.ts';
import { TelemetryError } from '../telemetry/error.ts';
import { type ContractInfo, contractInfo, type CoreLatency, coreLatency, coreUsage } from './contract.ts';
import {
  type Mempool,
  mempoolInfo,
  type PortLink,
  portLink,
  portName,
  type PortStats,
  portStats,
  portXstats,
  type Ring,
  ringInfo,
} from './eal.ts';
import type { CoreMemory, CoreState } from './memory.ts';
import { lcoresOf, ordered } from './rings.ts';
import { type SyncCore, syncCores, syncFull, syncInfo, syncPeer, type SyncReading } from './sync.ts';

export const PARTS = ['contract', 'sync', 'cycles', 'rings', 'mempools', 'ports'] as const;
export type Part = (typeof PARTS)[number];

/** What to read. */
export interface Choice {
  readonly contract: commands.Contract;
  readonly ring: (name: string) => boolean;
  readonly mempool: (name: string) => boolean;
  /** Undefined: none, and they are not asked for. */
  readonly xstat: ((name: string) => boolean) | undefined;
}

export interface Port {
  readonly port: string;
  readonly stats: PortStats;
  readonly link: PortLink;
  readonly xstats: ReadonlyMap<string, Exact>;
}

export interface ProcessReading {
  readonly app: string;
  /** Every part that the process offers: '' or why it is not complete. */
  readonly parts: ReadonlyMap<Part, string>;
  readonly latencies: readonly CoreLatency[];
  /** Upper bounds of the latency buckets, ns. */
  readonly boundsNs: readonly number[];
  readonly cores: readonly CoreState[];
  /** Left out: it synchronises no sessions, or could not be read. */
  readonly sync?: SyncReading;
  readonly rings: readonly Ring[];
  readonly mempools: readonly Mempool[];
  readonly ports: readonly Port[];
  /** Changes when the process restarts. */
  readonly epoch: string;
  /** Changes when the counters of its cores start again; in containers, a process may have the same pid each time. */
  readonly coreEpoch: string;
}

/** Most rings, mempools, ports that are read of one process, and xstats that are kept of one port. */
const MOST = { rings: 64, mempools: 64, ports: 64, xstats: 256, cores: 512 };
/** Requests for a latency whose application can't take its numbers in one piece. */
const TORN_ATTEMPTS = 3;
const portIds = small.array().max(512);
const lcoreIds = small.array().max(4096);

export class ProcessReader {
  readonly #session: Session;
  readonly #choice: Choice;
  readonly #signal: AbortSignal;
  readonly #memory: CoreMemory;
  readonly #parts = new Map<Part, string>();
  #truncated = '';

  constructor(session: Session, choice: Choice, memory: CoreMemory, signal: AbortSignal) {
    this.#session = session;
    this.#choice = choice;
    this.#memory = memory;
    this.#signal = signal;
  }

  /** `t`: when it is asked for, ms. Rejects when the connection or the process fails. */
  async read(t: number): Promise<ProcessReading> {
    const { contract: own } = this.#choice;
    const epoch = String(this.#session.greeting.pid);
    const info = await this.#part('contract', own.info, undefined, () => this.#ask(own.info, contractInfo));
    if (info !== undefined) this.#memory.begin(`${epoch} ${info.start}`);
    const sync = await this.#sync();
    return {
      ...(sync === undefined ? {} : { sync }),
      app: info?.app ?? '',
      epoch,
      coreEpoch: `${epoch} ${info?.start ?? ''}`,
      latencies: info === undefined ? [] : await this.#latencies(info),
      boundsNs: info?.boundsNs ?? [],
      cores: await this.#cores(epoch, info, t),
      rings: await this.#rings(),
      mempools: await this.#mempools(),
      ports: await this.#ports(),
      parts: this.#parts,
    };
  }

  /** From the application, if it counts them, else from DPDK: never from the one once and from the other then. */
  async #cores(epoch: string, info: ContractInfo | undefined, t: number): Promise<readonly CoreState[]> {
    const { usage: own } = this.#choice.contract;
    const read = async (usage: commands.Command) => this.#memory.usage(await this.#ask(usage, coreUsage), t);
    if (!this.#session.knows(own)) {
      this.#memory.begin(epoch);
      return this.#part('cycles', commands.LCORE_USAGE, [], () => read(commands.LCORE_USAGE));
    }
    // Without its start it is not known whether its counters started again.
    return info === undefined ? [] : this.#part('contract', own, [], () => read(own));
  }

  #latencies({ boundsNs }: ContractInfo): Promise<readonly CoreLatency[]> {
    const { coreList, latency } = this.#choice.contract;
    return this.#part('contract', coreList, [], async () => {
      const all: CoreLatency[] = [];
      for (const core of await this.#ask(coreList, portIds)) {
        let read = await this.#ask(latency(core), coreLatency);
        for (let i = 1; read.torn && i < TORN_ATTEMPTS; i++) read = await this.#ask(latency(core), coreLatency);
        const wrong =
          read.core === String(core)
            ? read.counts.length !== boundsNs.length + 1 && `hist has ${read.counts.length} buckets for ${boundsNs.length} bounds`
            : `lcore_id is ${read.core}`;
        if (wrong !== false) throw new TelemetryError('invalid', `${this.#session.path} ${latency(core).text}: ${wrong}`);
        const whole = this.#memory.latency(read);
        if (whole !== undefined) all.push(whole);
      }
      return all;
    });
  }

  #sync(): Promise<SyncReading | undefined> {
    const own = this.#choice.contract;
    return this.#part('sync', own.syncInfo, undefined, async () => {
      const info = await this.#ask(own.syncInfo, syncInfo);
      const peers: SyncReading['peers'][number][] = [];
      for (const id of info.peer_ids) peers.push(await this.#ask(own.syncPeer(id), syncPeer));
      const full = this.#session.knows(own.syncFull) ? await this.#ask(own.syncFull, syncFull) : undefined;
      return { info, cores: await this.#syncCores(), peers, full };
    });
  }

  /** In pages: the columns of many cores do not fit into one answer. */
  async #syncCores(): Promise<readonly SyncCore[]> {
    const own = this.#choice.contract;
    const all: SyncCore[] = [];
    for (let page = await this.#ask(own.syncCores, syncCores); page.length > 0 && all.length < MOST.cores; ) {
      all.push(...page);
      const next = Number(page.at(-1)!.core) + 1;
      page = (await this.#ask(own.syncCoresFrom(next), syncCores)).filter(({ core }) => Number(core) >= next);
    }
    return all;
  }

  #rings(): Promise<readonly Ring[]> {
    return this.#part('rings', commands.RING_LIST, [], async () => {
      const listed = (await this.#ask(commands.RING_LIST, names)).filter(this.#choice.ring);
      const lcores = listed.some((name) => lcoresOf(name).length > 0) ? await this.#lcores() : undefined;
      const chosen = ordered(listed, lcores, MOST.rings);
      return this.#each('rings', chosen, (name) => this.#askIfThere(commands.ringInfo(name), ringInfo));
    });
  }

  async #lcores(): Promise<ReadonlySet<number> | undefined> {
    if (!this.#session.knows(commands.LCORE_LIST)) return undefined;
    return new Set(await this.#ask(commands.LCORE_LIST, lcoreIds));
  }

  #mempools(): Promise<readonly Mempool[]> {
    return this.#part('mempools', commands.MEMPOOL_LIST, [], async () => {
      const chosen = (await this.#ask(commands.MEMPOOL_LIST, names)).filter(this.#choice.mempool);
      return this.#each('mempools', chosen, (name) => this.#askIfThere(commands.mempoolInfo(name), mempoolInfo));
    });
  }

  #ports(): Promise<readonly Port[]> {
    return this.#part('ports', commands.PORT_LIST, [], async () =>
      this.#each('ports', await this.#ask(commands.PORT_LIST, portIds), (id) => this.#port(id)),
    );
  }

  async #port(id: number): Promise<Port | undefined> {
    const port = await this.#askIfThere(commands.portInfo(id), portName);
    if (port === undefined) return undefined;
    return {
      port,
      stats: await this.#ask(commands.portStats(id), portStats),
      link: await this.#ask(commands.portLink(id), portLink),
      xstats: await this.#xstats(id),
    };
  }

  async #xstats(id: number): Promise<ReadonlyMap<string, Exact>> {
    const { xstat } = this.#choice;
    if (xstat === undefined) return new Map();
    const chosen = [...(await this.#ask(commands.portXstats(id), portXstats))].filter(([name]) => xstat(name));
    this.#capped('xstats', chosen.length);
    return new Map(chosen.slice(0, MOST.xstats));
  }

  async #each<A, B>(what: keyof typeof MOST, all: readonly A[], read: (one: A) => Promise<B | undefined>): Promise<B[]> {
    this.#capped(what, all.length);
    const results: B[] = [];
    for (const one of all.slice(0, MOST[what])) {
      const result = await read(one);
      if (result !== undefined) results.push(result);
    }
    return results;
  }

  #capped(what: keyof typeof MOST, count: number): void {
    if (count > MOST[what])
      this.#truncated ||= `${count} ${what} are there, ${MOST[what]} are read; choose with collectors.dpdk.${what}`;
  }

  async #ask<S extends z.ZodType>(command: commands.Command, schema: S): Promise<z.output<S>> {
    return decode(schema, await this.#answer(command), this.#session.path);
  }

  /** Undefined when what it asks about has gone since it was listed: the answer is null then. */
  async #askIfThere<S extends z.ZodType>(command: commands.Command, schema: S): Promise<z.output<S> | undefined> {
    const answer = await this.#answer(command);
    return answer.value === null ? undefined : decode(schema, answer, this.#session.path);
  }

  async #answer(command: commands.Command): Promise<Answer> {
    const answer = await this.#session.request(command, this.#signal);
    if (answer.cut) this.#truncated ||= `${command.text}: the answer has reached the size at which DPDK leaves entries out`;
    return answer;
  }

  /**
   * Reads a part, if the process knows the command it begins with. What is wrong with its answers ends the part, not the reading.
   */
  async #part<T>(part: Part, needs: commands.Command, without: T, read: () => Promise<T>): Promise<T> {
    if (!this.#session.knows(needs)) return without;
    this.#truncated = '';
    try {
      const result = await read();
      this.#parts.set(part, this.#parts.get(part) || this.#truncated);
      return result;
    } catch (error) {
      const answers = error instanceof RangeError || (error instanceof TelemetryError && error.problem === 'invalid');
      if (!answers || !this.#session.usable()) throw error;
      this.#parts.set(part, error.message);
      return without;
    }
  }
}
