/** Services as sources find them, and one list of them all. Pure. */
import type { Profile } from '../keepalived/translate/timing.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { bitsOf } from './network.ts';

export interface FoundRealServer {
  /** `ip:port`, or the IP alone when no port is known. */
  readonly address: string;
  readonly weight: number;
  readonly origin: string;
  /** What an operator should know of it. */
  readonly remark?: string;
  /** undefined: its source does not say; those of the service's other real servers, else chosen by the protocol. */
  readonly checks?: readonly FoundCheck[];
}

/** A check profile by its parameters, as the file is to have it; where it is from. */
export interface FoundCheck {
  readonly profile: Profile;
  readonly origin: string;
}

export interface FoundService {
  /** As the file writes it. */
  readonly vip: string;
  readonly origin: string;
  readonly remarks?: readonly string[];
  readonly realServers: readonly FoundRealServer[];
  /** For the line of its actuator: who sets weights now, and what would let fourlane do it. */
  readonly actuator: string;
  /** The keepalived.conf that it can be imported from. */
  readonly importable?: string;
  /** Devices of DPVS that have its local addresses: by them it reaches real servers. */
  readonly localDevices?: readonly string[];
}

/** What was found and is not in the file, or otherwise. */
export interface LeftOut {
  readonly text: string;
  readonly origin: string;
}

export interface Merged {
  readonly services: readonly FoundService[];
  readonly leftOut: readonly LeftOut[];
}

/** The most that the file's `weight` takes. */
const MOST_WEIGHT = 65_535;

/**
 * One service for each VIP: that of the first source that has it, with the real servers that others have besides; sorted by
 * address. What the file can't have is left out.
 * @param own addresses of this machine: nothing goes to a real server there by a NIC
 */
export function merge(found: readonly FoundService[], own: ReadonlySet<string>): Merged {
  const byVip = Map.groupBy(found, (service) => service.vip);
  const leftOut: LeftOut[] = [];
  const services: FoundService[] = [];
  for (const all of byVip.values()) {
    const realServers = new Map<string, FoundRealServer>();
    const ips = new Set<string>();
    for (const rs of all.flatMap((service) => service.realServers)) {
      const ip = ipOf(rs.address);
      // Tables have no port for the real servers of a mark, configurations may.
      if (realServers.has(rs.address) || (ip === rs.address && ips.has(ip))) continue;
      if (isOwn(ip, own)) leftOut.push({ text: `${rs.address} of ${all[0]!.vip}: ${OWN}`, origin: rs.origin });
      else realServers.set(rs.address, rs);
      ips.add(ip);
    }
    const [first] = all;
    const others = all.slice(1).flatMap(({ origin }) => (origin === first!.origin ? [] : [`also in ${origin}`]));
    const localDevices = all.flatMap((service) => service.localDevices ?? []);
    const { vip, origin } = first!;
    const why = reason(vip, realServers.size);
    if (why !== undefined) leftOut.push({ text: `${vip}: ${why}`, origin });
    else {
      const remarks = [...(first!.remarks ?? []), ...new Set(others)];
      services.push({ ...first!, remarks, localDevices, realServers: [...realServers.values()].map(bounded) });
    }
  }
  return { services: services.sort((a, b) => compare(a.vip, b.vip)), leftOut };
}

const OWN = 'it is this machine: no NIC leads there';

function isOwn(ip: string, own: ReadonlySet<string>): boolean {
  return own.has(ip) || ip === '::1' || ip.startsWith('127.');
}

/** Why a service can't be in the file. */
function reason(vip: string, realServers: number): string | undefined {
  if (realServers === 0) return 'it has no real servers';
  if (vip.startsWith('fwmark:')) return undefined;
  if (!/\/(?:tcp|udp)$/.test(vip)) return 'fourlane has services over TCP and UDP, and firewall marks';
  return parseAddress(vip.slice(0, -4)) === undefined ? 'it is for every port: fourlane has services with one port' : undefined;
}

function bounded(rs: FoundRealServer): FoundRealServer {
  if (rs.weight <= MOST_WEIGHT) return rs;
  return { ...rs, weight: MOST_WEIGHT, remark: `its weight ${rs.weight} is more than fourlane takes` };
}

/** IPv4 by number, then IPv6, then firewall marks. */
export function compare(a: string, b: string): number {
  const [left, right] = [orderOf(a), orderOf(b)];
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function orderOf(text: string): readonly (number | bigint)[] {
  const mark = /^fwmark:(\d+)/.exec(text);
  if (mark !== null) return [9, Number(mark[1]), 0];
  const address = parseAddress(text.replace(/\/\w+$/, ''), true);
  return address === undefined ? [10, 0, 0] : [address.family, bitsOf(address.ip), address.port];
}

/** An address of a table of IPVS or DPVS: port 0 stands for none. */
export function withoutZeroPort(text: string): string {
  const at = /^(?:\[(.*)\]|([^:]*)):0$/.exec(text);
  return at === null ? text : (at[1] ?? at[2]!);
}

/** The IP of a real server's address. */
export function ipOf(address: string): string {
  const parsed = parseAddress(address, true);
  return parsed === undefined ? address : formatAddress({ ...parsed, port: 0 });
}
