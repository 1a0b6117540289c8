/** Virtual servers as services of fourlane's: one for each address, real servers as keepalived puts them into IPVS. Pure. */
import { isIPv6 } from 'node:net';
import type { Config } from '../config/config.ts';
import type { Checker, GroupEntry, RealServer, ServerGroup, VirtualServer } from '../config/lvs.ts';
import type { Tracker } from '../config/vrrp.ts';
import type { Statement } from '../read/tree.ts';
import { connectPort, type Profile, translated } from './checks.ts';

export interface TranslatedCheck {
  readonly profile: Profile;
  readonly at: Statement;
}

export interface TranslatedRealServer {
  /** `ip:port`, `[ip]:port`, or the IP alone: no port is known. */
  readonly address: string;
  readonly weight: number;
  readonly checks: readonly TranslatedCheck[];
  readonly at: Statement;
}

export interface TranslatedService {
  /** As fourlane writes it: `192.0.2.10:80/tcp`, `fwmark:7`; port 0 and sctp are possible. */
  readonly vip: string;
  readonly virtualServer: VirtualServer;
  /** What names it: the virtual_server, or the line of its group. */
  readonly at: Statement;
  readonly realServers: readonly TranslatedRealServer[];
}

/** What is not taken over. */
export interface Lost {
  readonly what: string;
  readonly why: string;
  readonly at: Statement;
}

export interface Translation {
  readonly services: readonly TranslatedService[];
  readonly lost: readonly Lost[];
}

/** Addresses that the ranges of one group may stand for. */
const MOST_ADDRESSES = 4096;

/** A VIP: an address with its port, or a firewall mark. */
interface Vip {
  readonly name: string;
  readonly ip: string | undefined;
  /** 0: of a mark, or every port. */
  readonly port: number;
  readonly at: Statement;
}

/** Everything that the configuration has of virtual servers. */
export function servicesOf(config: Config): Translation {
  const lost: Lost[] = [];
  // Of several with one name the first.
  const groups = new Map(config.serverGroups.toReversed().map((group) => [group.name, group]));
  const services = config.virtualServers.flatMap((virtualServer) => {
    const vips = vipsOf(virtualServer, groups, lost);
    const { sorry, statement } = virtualServer;
    if (sorry !== undefined) {
      const what = `sorry_server ${sorry.statement.args.map(({ text }) => text).join(' ')}`;
      lost.push({ what, why: 'fourlane has no sorry servers: keepalived uses it', at: sorry.statement });
    }
    if (vips.length === 0 && virtualServer.key.kind !== 'group') {
      lost.push({ what: nameOf(statement), why: 'its address is not valid, or has a variable that is not known', at: statement });
    }
    return vips.map((vip, i): TranslatedService => {
      const around = { virtualServer, trackers: config.trackers, lost, isFirst: i === 0 };
      const realServers = virtualServer.realServers.flatMap((rs) => realServer(rs, vip, around));
      return { vip: vip.name, virtualServer, at: vip.at, realServers };
    });
  });
  return { services, lost };
}

/** A statement as it is written, without its block. */
export function nameOf({ keyword, args }: Statement): string {
  return [keyword, ...args].map(({ text }) => text).join(' ');
}

function vipsOf({ key, protocol, statement }: VirtualServer, groups: ReadonlyMap<string, ServerGroup>, lost: Lost[]): Vip[] {
  // Without a protocol keepalived takes UDP.
  const proto = (protocol ?? 'UDP').toLowerCase();
  switch (key.kind) {
    case 'fwmark':
      return [mark(key.mark, statement)];
    case 'address':
      return [address(key.ip, key.port, proto, statement)];
    case 'group': {
      const group = groups.get(key.name);
      if (group === undefined)
        lost.push({ what: nameOf(statement), why: 'there is no such virtual_server_group', at: statement });
      return (group?.entries ?? []).flatMap((entry) => entryVips(entry, proto, lost));
    }
    case 'unclear':
      return [];
  }
}

const mark = (number: number, at: Statement): Vip => ({ name: `fwmark:${number}`, ip: undefined, port: 0, at });
const address = (ip: string, port: number, proto: string, at: Statement): Vip => {
  return { name: `${hostPort(ip, port)}/${proto}`, ip, port, at };
};
const hostPort = (ip: string, port: number) => (isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`);

function entryVips(entry: GroupEntry, proto: string, lost: Lost[]): Vip[] {
  if (entry.kind === 'fwmark') return [mark(entry.mark, entry.at)];
  if (entry.kind === 'addresses') {
    const all = entry.ip === entry.to ? [entry.ip] : between(entry.ip, entry.to);
    if (all !== undefined) return all.map((ip) => address(ip, entry.port, proto, entry.at));
  }
  const why =
    entry.kind === 'unclear'
      ? 'it is not valid, or has a variable that is not known'
      : `a range of IPv6, or of more than ${MOST_ADDRESSES}`;
  lost.push({ what: nameOf(entry.at), why, at: entry.at });
  return [];
}

function between(from: string, to: string): string[] | undefined {
  const [first, last] = [numberOf(from), numberOf(to)];
  if (!(last - first < MOST_ADDRESSES)) return undefined;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    [24, 16, 8, 0].map((shift) => Math.floor((first + i) / 2 ** shift) % 256).join('.'),
  );
}

/** NaN for IPv6. */
const numberOf = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

interface Around {
  readonly virtualServer: VirtualServer;
  readonly trackers: readonly Tracker[];
  readonly lost: Lost[];
  /** Not the same virtual server once more, with another address of its group. */
  readonly isFirst: boolean;
}

function realServer(
  rs: RealServer,
  { ip: vip, port: vipPort }: Vip,
  { virtualServer, trackers, lost, isFirst }: Around,
): TranslatedRealServer[] {
  const { ip, statement, weight } = rs;
  if (ip === undefined) {
    lost.push({ what: nameOf(statement), why: 'its address is not valid, or has a variable that is not known', at: statement });
    return [];
  }
  if (vip !== undefined && isIPv6(vip) !== isIPv6(ip) && rs.method !== 'TUN') {
    const why = `keepalived skips it for ${vip}: another family, which needs TUN`;
    lost.push({ what: nameOf(statement), why, at: statement });
    return [];
  }
  const port = portOf(rs, vipPort, virtualServer);
  const checks = rs.checkers.flatMap((checker): TranslatedCheck[] => {
    const { profile, lost: without } = translated(checker, { ip, port, trackers });
    for (const each of isFirst ? without : []) lost.push({ what: `of ${nameOf(statement)}`, why: each, at: checker.statement });
    return profile === undefined ? [] : [{ profile, at: checker.statement }];
  });
  return [{ address: port === 0 ? ip : hostPort(ip, port), weight, checks, at: statement }];
}

/** As keepalived sets it: with DR and TUN that of the virtual server; a mark has none, and then what is asked is the port. */
function portOf({ port, method, checkers }: RealServer, vipPort: number, { key }: VirtualServer): number {
  if (key.kind === 'fwmark' || vipPort === 0) return port || named(checkers);
  return method === 'NAT' ? port || vipPort : vipPort;
}

function named(checkers: readonly Checker[]): number {
  return checkers.map(connectPort).find((port) => port > 0) ?? 0;
}
