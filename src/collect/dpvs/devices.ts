/** The parts of a reading that are not services: cores, ports, addresses, and details. */
import { SocketError } from '../../sys/unix-socket.ts';
import {
  decodeInterfaceAddresses,
  decodeLocalAddresses,
  encodeInterfaceAddresses,
  encodeLocalAddresses,
  type InterfaceAddress,
} from './addresses.ts';
import { matcher } from '../patterns.ts';
import { type Control, MESSAGE_FAILED, type Release } from './control.ts';
import type { CoreReading, Details, PortReading } from './data.ts';
import * as inventory from './inventory.ts';
import { decodeKniList, encodeKniList } from './kni.ts';
import { decodeLcoreBasic, decodeLcoreMask, decodeLcoreStats, type Lcores } from './lcores.ts';
import { idOf, type Message } from './messages.ts';
import type { PartialBursts } from './monotonic.ts';
import * as ports from './ports.ts';
import type { Service } from './services.ts';
import { ControlError } from './wire.ts';

const NOTHING = Buffer.alloc(0);

/** What may be read beyond what is always. */
export const EXTRAS = ['neighbours', 'routes', 'accessLists', 'multicast', 'connections'] as const;
export type Extra = (typeof EXTRAS)[number];

export class Devices {
  readonly #control: Control;
  readonly #release: Release;

  constructor(control: Control, release: Release) {
    this.#control = control;
    this.#release = release;
  }

  #ask(message: Message, body: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    return this.#control.ask(this.#release.dialect, message, body, signal);
  }

  async lcores(signal: AbortSignal): Promise<Lcores> {
    return decodeLcoreMask(await this.#ask('LCORE_MASK', NOTHING, signal));
  }

  /** In the order master, KNI, workers, isolated. */
  async cores(lcores: Lcores, partial: PartialBursts, signal: AbortSignal): Promise<CoreReading[]> {
    const { master, kni, workers, isolated } = lcores;
    const roles = [
      [master, 'master'],
      ...(kni === undefined ? [] : [[kni, 'kni']]),
      ...workers.map((lcore) => [lcore, 'worker']),
      ...isolated.map((lcore) => [lcore, 'isolated']),
    ] as [number, CoreReading['role']][];
    const read: CoreReading[] = [];
    for (const [lcore, role] of roles) {
      const stats = decodeLcoreStats(await this.#ask('LCORE_STATS', Uint8Array.of(lcore), signal));
      read.push({ role, stats, partialBursts: partial.follow(lcore, stats.bursts, stats.emptyBursts, stats.fullBursts) });
    }
    return read;
  }

  async addresses(signal: AbortSignal): Promise<InterfaceAddress[]> {
    const { layout } = this.#release;
    const body = await this.#ask('IFADDRS', encodeInterfaceAddresses(layout), signal);
    // How DPVS answers when cores have different addresses, because they are just being changed: no error, and nothing.
    if (body.length === 0) throw new ControlError('IFADDRS', MESSAGE_FAILED, 'nothing');
    const list = decodeInterfaceAddresses(layout, body);
    // They come in the order of a hash table.
    return list.sort((a, b) => compare(a.device, b.device) || compare(a.address, b.address));
  }

  /** Ports by name, all or those `wanted`; one that goes away while they are read is left out. */
  async ports(signal: AbortSignal, wanted?: ReadonlySet<string>): Promise<PortReading[]> {
    const { layout } = this.#release;
    const read: PortReading[] = [];
    const list = ports.decodePortList(await this.#ask('PORT_LIST', NOTHING, signal));
    for (const { name, bond, device } of list.sort((a, b) => compare(a.name, b.name))) {
      if (wanted !== undefined && !wanted.has(name)) continue;
      try {
        const request = ports.encodePort(name);
        const basic = ports.decodePortBasic(layout, await this.#ask('PORT_BASIC', request, signal));
        const stats = ports.decodePortStats(layout, await this.#ask('PORT_STATS', request, signal));
        const members = bond ? await this.#optional('BOND_STATUS', request, signal) : undefined;
        read.push({ device, basic, stats, ...(members === undefined ? {} : { bond: ports.decodeBond(members) }) });
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
      }
    }
    return read;
  }

  /** Everything that is read seldom. */
  async details(
    services: readonly Service[],
    cores: readonly CoreReading[],
    portList: readonly PortReading[],
    wanted: { readonly xstats: readonly string[]; readonly extra: readonly Extra[] },
    signal: AbortSignal,
  ): Promise<Details> {
    const { layout } = this.#release;
    const local: { service: string; addresses: ReturnType<typeof decodeLocalAddresses> }[] = [];
    for (const service of services.filter((each) => each.laddrs > 0)) {
      const body = await this.#optional('LADDRS', encodeLocalAddresses(layout, service), signal);
      if (body !== undefined) local.push({ service: service.service, addresses: decodeLocalAddresses(layout, body) });
    }
    const queues = new Map<number, readonly string[]>();
    const sockets = new Map<number, number>();
    for (const { stats } of cores) {
      const body = await this.#optional('LCORE_BASIC', Uint8Array.of(stats.lcore), signal);
      if (body === undefined) continue;
      const basic = decodeLcoreBasic(body);
      queues.set(stats.lcore, basic.queues);
      sockets.set(stats.lcore, basic.socket);
    }
    const kniFlows = new Map<string, readonly string[]>();
    const hardware = new Map<string, ports.PortExtInfo>();
    const chosen = matcher(wanted.xstats);
    const xstats = new Map<string, readonly ports.Xstat[]>();
    for (const {
      basic: { name },
      device,
    } of portList) {
      if (!device) continue;
      // Without a core for KNI it answers an error.
      const flows = cores.some(({ role }) => role === 'kni')
        ? await this.#optional('KNI_LIST', encodeKniList(name), signal)
        : undefined;
      if (flows !== undefined) kniFlows.set(name, decodeKniList(flows));
      const info = await this.#optional('PORT_EXT_INFO', ports.encodePort(name), signal);
      if (info !== undefined) hardware.set(name, ports.decodePortExtInfo(info));
      const list = wanted.xstats.length === 0 ? undefined : await this.#optional('PORT_XSTATS', ports.encodePort(name), signal);
      if (list !== undefined)
        xstats.set(
          name,
          ports.decodeXstats(list).filter((x) => chosen(x.name)),
        );
    }
    return {
      local,
      queues,
      sockets,
      kniFlows,
      hardware,
      xstats,
      ...(await this.#extras(portList, new Set(wanted.extra), signal)),
    };
  }

  async #extras(portList: readonly PortReading[], wanted: ReadonlySet<Extra>, signal: AbortSignal) {
    const list = async <T>(extra: Extra, message: Message, body: Uint8Array, decode: (body: Buffer) => T[]): Promise<T[]> => {
      const answer = wanted.has(extra) ? await this.#optional(message, body, signal) : undefined;
      // Some lists that are empty come without a count.
      return answer === undefined || answer.length === 0 ? [] : decode(answer);
    };
    const routes4 = await list('routes', 'ROUTES', inventory.ROUTES_REQUEST, inventory.decodeRoutes);
    const routes6 = await list('routes', 'ROUTES6', inventory.ROUTES6_REQUEST, inventory.decodeRoutes6);
    const multicast: Details['multicast'][number][] = [];
    for (const {
      basic: { name: device },
    } of wanted.has('multicast') ? portList : []) {
      const request = inventory.encodeMulticast(device);
      const addresses = (await list('multicast', 'MULTICAST', request, inventory.decodeMulticast)).length;
      const macs = (await list('multicast', 'MULTICAST_MAC', request, inventory.decodeMulticastMacs)).length;
      multicast.push({ device, addresses, macs });
    }
    return {
      neighbours: await list('neighbours', 'NEIGHBOURS', inventory.NEIGHBOUR_REQUEST, inventory.decodeNeighbours),
      routes: [...routes4, ...routes6],
      deny: await list('accessLists', 'DENY_LIST', NOTHING, (body) => inventory.decodeAccessList('DENY_LIST', body)),
      allow: await list('accessLists', 'ALLOW_LIST', NOTHING, (body) => inventory.decodeAccessList('ALLOW_LIST', body)),
      multicast,
      connections: await list('connections', 'CONNECTIONS', inventory.CONNECTIONS_REQUEST, inventory.decodeConnections),
    };
  }

  /** undefined: this release has no such message, or refuses it; a reading does not fail because of a detail. */
  async #optional(message: Message, body: Uint8Array, signal: AbortSignal): Promise<Buffer | undefined> {
    if (idOf(this.#release.dialect, message) === undefined) return undefined;
    try {
      return await this.#ask(message, body, signal);
    } catch (error) {
      if (error instanceof ControlError || (error instanceof SocketError && error.code === 'EOF')) return undefined;
      throw error;
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
