/**
 * Services and destinations as the kernel's netlink family IPVS writes them (linux/ip_vs.h; recorded on Linux 6.1). Ports are big
 * endian, the rest is in host order; addresses are fields of 16 bytes, of which IPv4 uses four.
 */
import { formatAddress, parseAddress } from '../../model/address.ts';
import { type Attributes, attribute, nested, NetlinkFormatError, parseAttributes, u16, u16be, u32 } from '../../sys/netlink.ts';
import { AF_INET, AF_INET6 } from '../../sys/libc.ts';
import { sockaddrOf, unpackSockaddr } from '../../sys/sockaddr.ts';

export const IPVS = { family: 'IPVS', version: 1, getService: 4, setDest: 6, getDest: 8 } as const;
const TOP = { service: 1, dest: 2 } as const;
const SERVICE = { family: 1, protocol: 2, address: 3, port: 4, fwmark: 5 } as const;
const DEST = { address: 1, port: 2, forward: 3, weight: 4, family: 11 } as const;
/** Connection counts and statistics: what the kernel reports and does not accept. */
const READ_ONLY: ReadonlySet<number> = new Set([7, 8, 9, 10, 12]);
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };
const FORWARD = ['Masq', 'Local', 'Tunnel', 'Route', 'Bypass'] as const;

export interface Destination {
  /** `ip:port`; a port of 0 is left out. */
  readonly realServer: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly forward: string;
  /** Everything the kernel reports about it. */
  readonly attributes: Attributes;
}

/**
 * The keys a `vip` of the configuration may have in the kernel. A firewall mark has one for each address family, and the
 * configuration does not specify which: that of the real server comes first.
 * @throws Error for a vip that the configuration would not have let through
 */
export function serviceKeys(vip: string, realServer: string): Buffer[] {
  const mark = /^fwmark:(\d+)$/.exec(vip)?.[1];
  if (mark !== undefined) {
    const families = parseAddress(realServer, true)?.family === 6 ? [AF_INET6, AF_INET] : [AF_INET, AF_INET6];
    return families.map((family) =>
      nested(TOP.service, attribute(SERVICE.family, u16(family)), attribute(SERVICE.fwmark, u32(Number(mark)))),
    );
  }
  const slash = vip.lastIndexOf('/');
  const address = parseAddress(vip.slice(0, slash));
  const protocol = PROTOCOLS[vip.slice(slash + 1)];
  if (address === undefined || protocol === undefined) throw new Error(`"${vip}" is no service that IPVS knows`);
  const sockaddr = sockaddrOf(address);
  const bytes = Buffer.alloc(16);
  bytes.set(address.family === 4 ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24));
  return [
    nested(
      TOP.service,
      attribute(SERVICE.family, u16(address.family === 4 ? AF_INET : AF_INET6)),
      attribute(SERVICE.protocol, u16(protocol)),
      attribute(SERVICE.address, bytes),
      attribute(SERVICE.port, u16be(address.port)),
    ),
  ];
}

/** One entry of a list of destinations. @throws NetlinkFormatError */
export function parseDestination(entry: Attributes): Destination {
  const attributes = parseAttributes(entry.get(TOP.dest) ?? missing('destination'));
  const family = attributes.get(DEST.family);
  const address = sized(attributes, DEST.address, 16, 'address');
  const v6 = (family === undefined ? AF_INET : sized(attributes, DEST.family, 2, 'address family').readUInt16LE(0)) === AF_INET6;
  const port = sized(attributes, DEST.port, 2, 'port').readUInt16BE(0);
  const sockaddr = new Uint8Array(28);
  sockaddr[0] = v6 ? AF_INET6 : AF_INET;
  sockaddr.set(v6 ? address : address.subarray(0, 4), v6 ? 8 : 4);
  const { ip } = unpackSockaddr(sockaddr);
  const method = sized(attributes, DEST.forward, 4, 'forwarding method').readUInt32LE(0);
  return {
    realServer: formatAddress({ family: v6 ? 6 : 4, ip, port }),
    ip,
    port,
    weight: sized(attributes, DEST.weight, 4, 'weight').readInt32LE(0),
    forward: FORWARD[method] ?? `method ${method}`,
    attributes,
  };
}

/**
 * A destination with another weight, to be written: every attribute it was read with goes back as it was, those this version does
 * not know included, because the kernel takes an attribute that is left out for 0 (a Masq destination would become a Route one).
 */
export function withWeight({ attributes }: Destination, weight: number): Buffer {
  const kept = [...attributes].filter(([type]) => !READ_ONLY.has(type));
  return nested(TOP.dest, ...kept.map(([type, value]) => attribute(type, type === DEST.weight ? u32(weight) : value)));
}

function sized(attributes: Attributes, type: number, size: number, name: string): Buffer {
  const value = attributes.get(type) ?? missing(name);
  if (value.length !== size) throw new NetlinkFormatError(`a destination's ${name} of ${value.length} bytes instead of ${size}`);
  return value;
}

function missing(name: string): never {
  throw new NetlinkFormatError(`a destination without ${name}`);
}
