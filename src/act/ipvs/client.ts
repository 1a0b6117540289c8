/** The kernel's IPVS tables of the network namespace we are in: asked and changed through generic netlink. */
import { ENOENT, EPERM, ESRCH } from '../../sys/errno.ts';
import { type FamilyRequest, GenericNetlink } from '../../sys/genetlink.ts';
import type { Attributes } from '../../sys/netlink.ts';
import { type NetlinkChannel, NetlinkError } from '../../sys/netlink-socket.ts';
import { type Destination, IPVS, parseDestination, serviceKeys, withWeight } from './codec.ts';
import { type FoundService, foundServerText, nameOf, parseService, serviceName } from './entries.ts';
import { requestFor, type Step, stepText } from './steps.ts';
import type { FoundEntries } from './table.ts';

/** Why IPVS can't be asked, and what to do. */
export class IpvsUnavailable extends Error {
  override readonly name = 'IpvsUnavailable';
}

/** A service as it was read. */
export interface KernelService {
  readonly key: Buffer;
  readonly destinations: readonly Destination[];
}

export class Ipvs {
  readonly #netlink: GenericNetlink;

  private constructor(netlink: GenericNetlink) {
    this.#netlink = netlink;
  }

  /** Everything ends when `signal` aborts. Rejects with IpvsUnavailable: no module, no permission. */
  static async open(signal: AbortSignal, channel?: NetlinkChannel): Promise<Ipvs> {
    try {
      return new Ipvs(await GenericNetlink.open(IPVS.family, IPVS.version, signal, channel));
    } catch (error) {
      throw explained(error);
    }
  }

  /** The service with its destinations; undefined when the kernel has none by that name. */
  async service(vip: string, realServer: string): Promise<KernelService | undefined> {
    for (const key of serviceKeys(vip, realServer)) {
      try {
        await this.#netlink.request({ command: IPVS.getService, attributes: [key] });
        const entries = await this.#netlink.request({ command: IPVS.getDest, attributes: [key], dump: true });
        return { key, destinations: entries.map(parseDestination) };
      } catch (error) {
        if (!isGone(error)) throw explained(error);
      }
    }
    return undefined;
  }

  /** Sets a weight and leaves the rest as it was read. @returns false when the destination or its service has gone meanwhile */
  async setWeight(key: Buffer, destination: Destination, weight: number): Promise<boolean> {
    try {
      await this.#netlink.request({ command: IPVS.setDest, attributes: [key, withWeight(destination, weight)] });
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      throw explained(error);
    }
  }

  /** Every service of TCP, UDP and firewall marks, by `nameOf`. */
  async services(): Promise<ReadonlyMap<string, FoundService>> {
    const entries = await this.#asked({ command: IPVS.getService, attributes: [], dump: true });
    const found = entries.flatMap((entry) => parseService(entry) ?? []);
    return new Map(found.map((service) => [nameOf(service), service]));
  }

  /** What a service has; empty when it has gone. */
  async serversOf(vip: string, family: 4 | 6): Promise<FoundEntries['servers']> {
    try {
      const attributes = [serviceName(vip, family)];
      const entries = await this.#netlink.request({ command: IPVS.getDest, attributes, dump: true });
      const servers = entries.map(parseDestination);
      return new Map(
        servers.map((each) => [each.realServer, { text: foundServerText(each.forward, each.attributes), weight: each.weight }]),
      );
    } catch (error) {
      if (isGone(error)) return new Map();
      throw explained(error);
    }
  }

  /** Carries out one step of a service. What is to be removed and is not there is no error. */
  async step(vip: string, family: 4 | 6, step: Step): Promise<void> {
    try {
      await this.#netlink.request(requestFor(vip, family, step));
    } catch (error) {
      const isRemoval = step.do === 'deleteService' || step.do === 'deleteServer';
      if (isRemoval && isGone(error)) return;
      throw error instanceof NetlinkError && error.errno !== EPERM ? refused(step, error) : explained(error);
    }
  }

  async #asked(request: FamilyRequest): Promise<Attributes[]> {
    try {
      return await this.#netlink.request(request);
    } catch (error) {
      throw explained(error);
    }
  }

  close(): void {
    this.#netlink.close();
  }
}

/** ESRCH: no such service; ENOENT: no such destination. */
function isGone(error: unknown): boolean {
  return error instanceof NetlinkError && (error.errno === ESRCH || error.errno === ENOENT);
}

function refused(step: Step, error: NetlinkError): IpvsUnavailable {
  const why = 'lvs' in step && error.errno === ENOENT ? 'the kernel has no such scheduler or persistence engine' : error.message;
  return new IpvsUnavailable(`IPVS refuses the ${stepText(step)}: ${why}`, { cause: error });
}

function explained(error: unknown): unknown {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new IpvsUnavailable('IPVS was not done in time: raise the timeout of this actuator', { cause: error });
  }
  if (!(error instanceof NetlinkError)) return error;
  if (error.errno === ENOENT) {
    const remedy = 'load it (modprobe ip_vs), or take the ipvs actuator out of the configuration';
    return new IpvsUnavailable(`the kernel module ip_vs is not loaded: ${remedy}`, { cause: error });
  }
  if (error.errno === EPERM) {
    const remedy = 'give it CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN)';
    return new IpvsUnavailable(`fourlane may not change IPVS: ${remedy}`, { cause: error });
  }
  return new IpvsUnavailable(`IPVS: ${error.message}`, { cause: error });
}
