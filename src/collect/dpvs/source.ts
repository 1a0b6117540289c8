/** One DPVS: probes its release, then reads it part by part, one question at a time. */
import type { CollectContext, CollectedNic, Evidence, Reading, Source } from '../collector.ts';
import { UnixExchange } from '../../sys/unix-exchange.ts';
import type { LiveRealServers } from '../../model/live-real-server.ts';
import { addressOf, carrier, interfacesOf, viaOf } from './carrier.ts';
import { evidence } from './publish.ts';
import { Control, MESSAGE_DROPPED, type Release } from './control.ts';
import type { Details, DpvsData, PoolReading, PortReading } from './data.ts';
import type { InterfaceAddress } from './addresses.ts';
import { Devices, type Extra } from './devices.ts';
import { controlPaths } from './kni.ts';
import { PartialBursts, Wrapping } from './monotonic.ts';
import type { Dest, Service } from './services.ts';
import { Tables } from './tables.ts';
import { ControlError } from './wire.ts';

export interface DpvsSettings {
  readonly interval: number;
  readonly socket: string;
  readonly requestTimeout: number;
  readonly tableInterval: number;
  readonly pause: number;
  readonly servicesPerReading: number;
  readonly detailInterval: number;
  readonly xstats: readonly string[];
  readonly extra: readonly Extra[];
  readonly perCore: 'off' | 'services' | 'realServers';
  readonly perCoreInterval: number;
}

/** What belongs to one run of DPVS. */
interface Run {
  readonly epoch: string;
  readonly release: Release;
  readonly tables: Tables;
  readonly devices: Devices;
  readonly misses: Wrapping;
  readonly partial: PartialBursts;
  details: { readonly t: number; readonly data: Details } | undefined;
  parts: { readonly t: number; readonly data: Parts } | undefined;
  /** The services as last listed, to ask for some of them out of turn. */
  services: readonly Service[];
}

/** What is read at `tableInterval`. */
type Parts = Omit<DpvsData, 'version' | 'messages' | 'epoch' | 'ports' | 'control'>;

/** Services whose real servers are asked for out of turn: each interrupts every worker. */
const MOST_ASKED = 16;

function activeOf({ realServers }: DpvsData['services'][number]): number {
  return realServers.reduce((sum, { active }) => sum + active, 0);
}

export class DpvsSource implements Source<DpvsData> {
  readonly #settings: DpvsSettings;
  readonly #context: CollectContext;
  readonly #shared: { readonly value: UnixExchange; release(): void };
  readonly #control: Control;
  #run: Run | undefined;

  constructor(settings: DpvsSettings, context: CollectContext) {
    this.#settings = settings;
    this.#context = context;
    this.#shared = context.share(`dpvs ${settings.socket}`, () => new UnixExchange(settings.socket));
    this.#control = new Control(this.#shared.value, settings.socket, settings.requestTimeout);
  }

  async read(signal: AbortSignal): Promise<Reading<DpvsData>> {
    const started = this.#context.clock();
    const epoch = await this.#control.epoch();
    if (epoch === undefined) {
      this.#run = undefined;
      const reason =
        `there is no control socket ${this.#settings.socket}; DPVS is not here, or makes it elsewhere (dpvs ` +
        `-x): collectors.dpvs.socket`;
      return { state: 'absent', reason };
    }
    if (this.#run?.epoch !== epoch) this.#run = await this.#begin(epoch, signal);
    try {
      return { state: 'data', data: await this.#read(this.#run, started, signal) };
    } catch (error) {
      // Another release may answer next time, behind a socket that looks the same.
      if (!signal.aborted) this.#run = undefined;
      throw error;
    }
  }

  run(): Promise<string | undefined> {
    return this.#control.epoch();
  }

  async #begin(epoch: string, signal: AbortSignal): Promise<Run> {
    const release = await this.#control.probe(signal);
    const { servicesPerReading: services, pause: pauseMs } = this.#settings;
    return {
      epoch,
      release,
      tables: new Tables(this.#control, release, { services, pauseMs }),
      devices: new Devices(this.#control, release),
      misses: new Wrapping(),
      partial: new PartialBursts(),
      details: undefined,
      parts: undefined,
      services: [],
    };
  }

  /** `now`: when the reading began; parts that are read less often are due by that, however long the reading takes. */
  async #read(run: Run, now: number, signal: AbortSignal): Promise<DpvsData> {
    // First what proves something, and costs DPVS least.
    const ports = await run.devices.ports(signal);
    const parts = await this.#parts(run, ports, now, signal);
    const { requests, errors } = this.#control.counts;
    return {
      version: run.release.version,
      messages: run.release.layout.releases,
      epoch: run.epoch,
      ports,
      ...parts,
      control: { requests, dropped: errors.get(MESSAGE_DROPPED) ?? 0, errors: [...errors].sort(([a], [b]) => b - a) },
    };
  }

  /** What interrupts workers: as it was until `tableInterval` has passed, and when DPVS is too busy to answer. */
  async #parts(run: Run, ports: readonly PortReading[], now: number, signal: AbortSignal): Promise<Parts> {
    const before = run.parts;
    if (before !== undefined && !this.#isDue(now - before.t, this.#settings.tableInterval))
      return { ...before.data, tablesNew: false };
    try {
      const data = await this.#interrupting(run, ports, now, signal);
      run.parts = { t: now, data };
      return data;
    } catch (error) {
      if (!(error instanceof ControlError) || before === undefined) throw error;
      return { ...before.data, tablesNew: false, unread: before.data.services.length };
    }
  }

  /** Readings are a little early or late: what is due but for a tenth of their interval is not put off to the next one. */
  #isDue(age: number, every: number): boolean {
    return age >= every - this.#settings.interval / 10;
  }

  async #interrupting(run: Run, ports: readonly PortReading[], now: number, signal: AbortSignal): Promise<Parts> {
    const { tables, devices } = run;
    const services = await tables.list(signal);
    run.services = services;
    const realServers = await tables.realServers(services, signal);
    const lcores = await devices.lcores(signal);
    const cores = await devices.cores(lcores, run.partial, signal);
    const addresses = await devices.addresses(signal);
    const { detailInterval, perCore, perCoreInterval, xstats, extra } = this.#settings;
    if (run.details === undefined || this.#isDue(now - run.details.t, detailInterval)) {
      run.details = { t: now, data: await devices.details(services, cores, ports, { xstats, extra }, signal) };
    }
    const isDue = (age: number) => this.#isDue(age, perCoreInterval);
    const each = perCore === 'off' ? [] : await tables.perCore(services, lcores.workers, { now, isDue }, signal);
    const named = new Set(this.#context.nics().flatMap((nic) => nic.dataplane ?? []));
    const portOf = (device: string) => carrier(device, ports, named);
    return {
      tablesNew: true,
      services: located(services, realServers.of, { addresses, local: run.details.data.local, portOf }),
      unread: realServers.unread,
      cores,
      addresses,
      pools: pools(addresses, run.misses, portOf),
      paths: controlPaths(this.#context.nics(), ports, cores, run.details.data),
      details: run.details.data,
      perCore: perCore === 'realServers' ? each : each.map((c) => ({ ...c, realServers: [] })),
    };
  }

  /**
   * Ports of these NICs, and of the services that they carry those with most connections: each is a question like others, and
   * waits for the one that is under way.
   */
  async ask(nics: readonly CollectedNic[], signal: AbortSignal): Promise<Evidence | undefined> {
    const run = this.#run;
    if (run?.parts === undefined || (await this.#control.epoch()) !== run.epoch) return undefined;
    const wanted = new Set(nics.map((nic) => nic.dataplane ?? nic.device));
    const isWanted = (port: string | undefined) => port !== undefined && wanted.has(port);
    const chosen = run.parts.data.services
      .filter(({ match, port, via }) => !match && (isWanted(port) || isWanted(via)))
      .toSorted((a, b) => activeOf(b) - activeOf(a))
      .slice(0, MOST_ASKED);
    const ports = await run.devices.ports(signal, wanted);
    const listed = new Map(run.services.map((service) => [service.service, service]));
    const services: DpvsData['services'][number][] = [];
    for (const service of chosen) {
      const realServers = await run.tables.now(listed.get(service.service)!, signal);
      if (realServers !== undefined) services.push({ ...service, realServers });
    }
    return evidence({ ports, services, epoch: run.epoch });
  }

  async realServers(vip: string, signal: AbortSignal): Promise<LiveRealServers> {
    const run = this.#run;
    const service = run?.services.find((each) => each.vip === vip);
    if (run === undefined || service === undefined || (await this.#control.epoch()) !== run.epoch) return undefined;
    const dests = await run.tables.now(service, signal);
    return dests && new Map(dests.map(({ realServer, inhibited = false, ...rest }) => [realServer, { ...rest, inhibited }]));
  }

  close(): void {
    this.#shared.release();
  }
}

/** Where addresses are: those of interfaces, the local ones of services, and the port below an interface. */
interface Places {
  readonly addresses: readonly InterfaceAddress[];
  readonly local: Details['local'];
  readonly portOf: (device: string) => string;
}

function located(
  services: readonly Service[],
  realServers: ReadonlyMap<string, readonly Dest[]>,
  { addresses, local, portOf }: Places,
): DpvsData['services'] {
  const interfaces = interfacesOf(addresses);
  const vias = viaOf(local, interfaces, portOf);
  return services.flatMap(({ entry: _, traffic: __, ...s }) => {
    const dests = realServers.get(s.service);
    if (dests === undefined) return [];
    const address = s.match ? undefined : addressOf(s.vip);
    const device = address === undefined ? undefined : interfaces.get(address);
    const via = vias.get(s.service);
    const place = device === undefined ? {} : { device, port: portOf(device) };
    return [{ ...s, ...place, ...(via === undefined ? {} : { via }), realServers: dests }];
  });
}

function pools(addresses: readonly InterfaceAddress[], misses: Wrapping, portOf: (device: string) => string): PoolReading[] {
  const perCore = new Set(addresses.flatMap(({ pool, lcore }) => (pool === undefined ? [] : lcore))).size > 1;
  const list = addresses.flatMap(({ device, address, lcore, pool }) => {
    if (pool === undefined) return [];
    const missed = misses.follow(`${device} ${address}`, pool.missed);
    return [
      { device, port: portOf(device), address, used: pool.used, free: pool.free, missed, ...(perCore ? { core: lcore } : {}) },
    ];
  });
  misses.keep(new Set(list.map((p) => `${p.device} ${p.address}`)));
  return list;
}
