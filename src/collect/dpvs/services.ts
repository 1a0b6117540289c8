/** Virtual services and real servers: INFO, SERVICES, SERVICE, DESTS. Pure; layouts in layout.ts. */
import { AF_INET6, addressRange, hostPort, isNone, protocolName } from './address.ts';
import { DEST_SIZE, DEST_STATS, type Layout, SERVICE_STATS } from './layout.ts';
import { atLeast, entries, exactly, text, u64 } from './wire.ts';
import type { Traffic } from '../service-metrics.ts';

export interface Info {
  /** 0x010a02 is v1.10.2; 0 before v1.9.4. */
  readonly version: number;
  readonly services: number;
  /** Worker cores. */
  readonly workers: number;
}

/** @throws DecodeError */
export function decodeInfo(body: Buffer): Info {
  exactly('INFO', body, 16);
  return { version: body.readUInt32LE(0), services: body.readUInt32LE(8), workers: body.readUInt32LE(12) };
}

/** The text of VERSION: `dpvs:v1.10-2`, or `DPDK-FULLNAT Server version 1.1.4 (size=0)` before v1.9.4. @throws DecodeError */
export function decodeVersion(body: Buffer): string {
  exactly('VERSION', body, 64);
  return text(body, 0, 64);
}

/** struct dp_vs_stats; its rates are never filled in. */
function traffic(body: Buffer, at: number): Traffic {
  return {
    connections: u64(body, at),
    inPackets: u64(body, at + 8),
    inBytes: u64(body, at + 16),
    outPackets: u64(body, at + 24),
    outBytes: u64(body, at + 32),
  };
}

/** struct dest_check_configs. */
export interface ServiceChecks {
  /** By the traffic itself; others are left to a checker, and listed for it. */
  readonly passive: boolean;
  readonly external: readonly string[];
  readonly downNotices: number;
  readonly upNotices: number;
  /** Seconds. */
  readonly downWait: number;
  readonly inhibitMin: number;
  readonly inhibitMax: number;
}

/** From the lowest bit but one. v1.9.6 had ping in the place of sctp. */
const EXTERNAL_CHECKS = ['tcp', 'udp', 'sctp', 'ping'];

function checksAt(entry: Buffer, at: number): ServiceChecks {
  return {
    passive: (entry[at]! & 1) !== 0,
    external: EXTERNAL_CHECKS.filter((_, i) => ((entry[at]! >> (i + 1)) & 1) === 1),
    downNotices: entry[at + 1]!,
    upNotices: entry[at + 2]!,
    downWait: entry[at + 3]!,
    inhibitMin: entry.readUInt16LE(at + 4),
    inhibitMax: entry.readUInt16LE(at + 6),
  };
}

export interface Service {
  /** Metric label: `10.0.0.1:80/tcp`, `fwmark:7`, `fwmark:7/ipv6`, `match:tcp,from=…,oif=…`. */
  readonly service: string;
  /** As the config writes it. */
  readonly vip: string;
  /** Protocol number and address family, 2 or 10. */
  readonly protocol: number;
  readonly family: number;
  readonly scheduler: string;
  /** Seconds; 0: not persistent. */
  readonly persistence: number;
  readonly flags: number;
  readonly synproxy: boolean;
  /** Netmask of persistence as it came: an IPv4 mask in network order, or an IPv6 prefix length. */
  readonly mask: number;
  /** Seconds; 0: the default of the protocol. */
  readonly connTimeout: number;
  readonly bps: number;
  /** PROXY protocol: version in the low half, 0x10 = insecure; 0 = none. */
  readonly proxyProtocol: number;
  /** How DPVS checks real servers; undefined: the release has no checks. */
  readonly checks: ServiceChecks | undefined;
  /** A SNAT match service: no address of its own. */
  readonly match: boolean;
  readonly dests: number;
  readonly laddrs: number;
  /** Of the service itself; DPVS counts at real servers only, so it is zero. */
  readonly traffic: Traffic;
  /** The entry as it came: requests about this service are made from it. */
  readonly entry: Buffer;
}

const PERSISTENT = 0x1;
const SYNPROXY = 0x8;
const MATCH = 0x400;

/**
 * Request for the list of `count` services; `index`: 0 = all workers together, else the worker's place in ascending order of
 * lcores.
 */
export function encodeServices({ service }: Layout, count: number, index: number): Buffer {
  const body = Buffer.alloc(8);
  body[1] = index;
  body.writeUIntLE(count, service.countAt, service.countBytes);
  return body;
}

/** @throws DecodeError */
export function decodeServices(layout: Layout, body: Buffer): Service[] {
  const { size, countAt, countBytes } = layout.service;
  const count = body.length < 8 ? -1 : body.readUIntLE(countAt, countBytes);
  return entries('SERVICES', body, { front: 8, size, count }, (at) => decodeService(layout, body.subarray(at, at + size)));
}

/** One service: an entry of SERVICES, or the body of SERVICE. @throws DecodeError */
export function decodeService({ service: l }: Layout, entry: Buffer): Service {
  exactly('SERVICE', entry, l.size);
  const family = entry.readInt32LE(0);
  const protocol = entry[4]!;
  const flags = entry.readUInt32LE(l.flags);
  const match =
    (flags & MATCH) !== 0 || (entry.readUInt32LE(l.fwmark) === 0 && isNone(entry, l.address) && entry.readUInt16LE(l.port) === 0);
  const vip = match ? matchName(l, entry, protocol) : nameOf(l, entry, family, protocol);
  return {
    service: family === AF_INET6 && vip.startsWith('fwmark:') ? `${vip}/ipv6` : vip,
    vip,
    protocol,
    family,
    scheduler: text(entry, l.scheduler, 16),
    persistence: (flags & PERSISTENT) === 0 ? 0 : entry.readUInt32LE(l.timeout),
    flags,
    synproxy: l.synproxyFlag && (flags & SYNPROXY) !== 0,
    connTimeout: entry.readUInt32LE(l.timeout + 4),
    mask: entry.readUInt32LE(l.timeout + 8),
    bps: entry.readUInt32LE(l.timeout + 12),
    proxyProtocol: l.checks < 0 ? 0 : entry[5]!,
    checks: l.checks < 0 ? undefined : checksAt(entry, l.checks),
    match,
    dests: entry.readUInt32LE(l.dests),
    laddrs: entry.readUInt32LE(l.laddrs),
    traffic: traffic(entry, SERVICE_STATS[l.size]!),
    entry,
  };
}

function nameOf(l: Layout['service'], entry: Buffer, family: number, protocol: number): string {
  const fwmark = entry.readUInt32LE(l.fwmark);
  return fwmark === 0 ? `${hostPort(family, entry, l.address, l.port)}/${protocolName(protocol)}` : `fwmark:${fwmark}`;
}

/** As ipvsadm writes it. */
function matchName({ match, texts }: Layout['service'], entry: Buffer, protocol: number): string {
  const [from, to, iif, oif] = texts
    ? [text(entry, match, 256), text(entry, match + 256, 256), text(entry, match + 512, 16), text(entry, match + 528, 16)]
    : [
        addressRange(entry.readInt32LE(match), entry, match + 4),
        addressRange(entry.readInt32LE(match), entry, match + 40),
        text(entry, match + 76, 16),
        text(entry, match + 92, 16),
      ];
  const parts = Object.entries({ from, to, iif, oif }).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []));
  return `match:${[protocolName(protocol), ...parts].join(',')}`;
}

/** How real servers are reached, by the low bits of their connection flags. */
export const FORWARDS = ['NAT', 'local', 'tunnel', 'DR', 'bypass', 'FullNAT', 'SNAT', 'other'] as const;

export interface Dest {
  readonly realServer: string;
  readonly forward: (typeof FORWARDS)[number];
  readonly weight: number;
  /** Thresholds of active connections, summed over master and workers. */
  readonly upper: number;
  readonly lower: number;
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
  /** undefined: the release does not report it. Inhibited: taken out by a check, whatever its weight. */
  readonly overloaded: boolean | undefined;
  readonly inhibited: boolean | undefined;
  readonly traffic: Traffic;
}

/** Request for the real servers of a service. */
export function encodeDests({ service: l, destFront }: Layout, { entry, dests }: Service, index: number): Buffer {
  const body = Buffer.alloc(destFront);
  entry.copy(body, 0, 0, 5);
  if (l.texts) {
    entry.copy(body, 8, l.address, l.address + 16);
    entry.copy(body, 24, l.port, l.port + 2);
    entry.copy(body, 28, l.fwmark, l.fwmark + 4);
    body.writeUInt32LE(dests, 32);
    entry.copy(body, 37, l.match, l.match + 544);
    return body;
  }
  entry.copy(body, 6, l.port, l.port + 2);
  entry.copy(body, 8, l.fwmark, l.fwmark + 4);
  entry.copy(body, 12, l.address, l.address + 16);
  body.writeUInt32LE(dests, 28);
  entry.copy(body, 32, l.match, l.match + 108);
  body[141] = index;
  return body;
}

const OVERLOADED = 0x2;
const INHIBITED = 0x4;

/**
 * The head of the reply can't be believed (all but 8 bytes of it are lost when all workers are asked): `count` is what was asked
 * for.
 * @throws DecodeError
 */
export function decodeDests({ dest: l, destFront }: Layout, body: Buffer, count: number): Dest[] {
  return entries('DESTS', body, { front: destFront, size: DEST_SIZE, count }, (at): Dest => {
    const states = l.states < 0 ? undefined : body.readUInt16LE(at + l.states);
    return {
      realServer: hostPort(body.readInt32LE(at), body, at + l.address, at + l.port),
      forward: FORWARDS[body[at + l.connFlags]! & 7]!,
      weight: body.readUInt32LE(at + l.weight),
      upper: body.readUInt32LE(at + l.counts),
      lower: body.readUInt32LE(at + l.counts + 4),
      active: body.readUInt32LE(at + l.counts + 8),
      inactive: body.readUInt32LE(at + l.counts + 12),
      persistent: body.readUInt32LE(at + l.counts + 16),
      overloaded: states === undefined ? undefined : (states & OVERLOADED) !== 0,
      inhibited: states === undefined ? undefined : (states & INHIBITED) !== 0,
      traffic: traffic(body, at + DEST_STATS),
    };
  });
}

/** The worker that a reply about one worker is from. @throws DecodeError */
export function destsFrom({ destFront }: Layout, body: Buffer): number {
  atLeast('DESTS', body, destFront);
  return body[140]!;
}

/** Request for a service as it is now: its number of real servers may have changed. Only where entries have no texts. */
export function encodeService({ service: l }: Layout, { entry }: Service): Buffer {
  const body = Buffer.from(entry);
  body.fill(0, l.dests, l.size);
  return body;
}
