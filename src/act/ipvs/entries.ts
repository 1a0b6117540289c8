/**
 * Services and destinations of kernel LVS as text, to compare and to show them in the words of `ipvsadm`, and as bytes to make
 * them. Layouts are those of `codec.ts`; which attributes a new entry needs: ip_vs_ctl.c, recorded on Linux 6.1.
 */
import { CHECKSUMS, LVS_FLAGS, type LvsServer, type LvsService, TUNNELS } from '../../model/plan.ts';
import { formatAddress, parseAddress } from '../../model/address.ts';
import { type Attributes, attribute, nested, NetlinkFormatError, parseAttributes, u16, u16be, u32 } from '../../sys/netlink.ts';
import { addressField, DEST, FORWARD, PROTOCOLS, SERVICE, serviceKey, TOP } from './codec.ts';

const PERSISTENT = 0x1;
/** Bits of LVS_FLAGS, in their order. */
const FLAG_BITS = [0x4, 0x8, 0x10, 0x20] as const;
const ALL_FLAGS = 0xffffffff;
const METHODS = { NAT: FORWARD.indexOf('Masq'), TUN: FORWARD.indexOf('Tunnel'), DR: FORWARD.indexOf('Route') } as const;
const OPTIONS: Readonly<Record<string, string>> = { Masq: '-m', Tunnel: '-i', Route: '-g', Local: '-g' };
const WHOLE = { 4: '255.255.255.255', 6: '128' } as const;

/** A service of the kernel, by the name that a plan has for it. */
export interface FoundService {
  readonly vip: string;
  readonly family: 4 | 6;
  readonly text: string;
}

/** The name by which services of a firewall mark differ too. */
export const nameOf = ({ vip, family }: Pick<FoundService, 'vip' | 'family'>) =>
  vip.startsWith('fwmark:') ? `${vip}/${family}` : vip;

/** `-s wrr -p 300 -M 255.255.255.0 -o`. */
export function serviceText({ scheduler, flags, persistence, netmask, engine, family }: LvsService): string {
  const lasting = persistence === 0 ? [] : ['-p', `${persistence}`, ...maskText(netmask, family)];
  const method = engine === undefined || persistence === 0 ? [] : ['--pe', engine];
  return [
    '-s',
    scheduler,
    ...lasting,
    ...method,
    ...LVS_FLAGS.filter((flag) => flags.includes(flag)).map((flag) => FLAG_WORDS[flag]),
  ].join(' ');
}

const FLAG_WORDS = { ops: '-o', 'flag-1': '-b flag-1', 'flag-2': '-b flag-2', 'flag-3': '-b flag-3' } as const;
const maskText = (mask: string | undefined, family: 4 | 6) => (mask === undefined || mask === WHOLE[family] ? [] : ['-M', mask]);

/** `-m`, `-i --tun-type gue --tun-port 6080 --tun-nocsum`, `-g -x 100 -y 50`. */
export function serverText({ method, tunnel, upper = 0, lower = 0 }: LvsServer): string {
  const option = { NAT: '-m', DR: '-g', TUN: '-i' }[method];
  return [option, ...(method === 'TUN' ? tunnelText(tunnel) : []), ...thresholdText(upper, lower)].join(' ');
}

function tunnelText({ type, port = 0, checksum = 'nocsum' }: NonNullable<LvsServer['tunnel']> = { type: 'ipip' }): string[] {
  if (type === 'ipip') return [];
  return ['--tun-type', type, ...(port === 0 ? [] : ['--tun-port', `${port}`]), `--tun-${checksum}`];
}

const thresholdText = (upper: number, lower: number) => [
  ...(upper === 0 ? [] : ['-x', `${upper}`]),
  ...(lower === 0 ? [] : ['-y', `${lower}`]),
];

/** A service to be made or changed. */
export function serviceBytes(vip: string, lvs: LvsService): Buffer {
  const { family, scheduler, flags, persistence, netmask, engine } = lvs;
  const bits = FLAG_BITS.reduce(
    (all, bit, i) => (flags.includes(LVS_FLAGS[i]!) ? all | bit : all),
    persistence > 0 ? PERSISTENT : 0,
  );
  return nested(
    TOP.service,
    ...serviceKey(vip, family),
    attribute(SERVICE.scheduler, Buffer.from(`${scheduler}\0`)),
    attribute(SERVICE.flags, Buffer.concat([u32(bits), u32(ALL_FLAGS)])),
    attribute(SERVICE.timeout, u32(persistence)),
    attribute(SERVICE.netmask, maskBytes(netmask ?? WHOLE[family], family)),
    ...(engine === undefined || persistence === 0 ? [] : [attribute(SERVICE.engine, Buffer.from(`${engine}\0`))]),
  );
}

function maskBytes(mask: string, family: 4 | 6): Buffer {
  return family === 6 ? u32(Number(mask)) : Buffer.from(mask.split('.').map(Number));
}

/** The name of a service, to remove it or to name it beside a destination. */
export function serviceName(vip: string, family: 4 | 6): Buffer {
  return nested(TOP.service, ...serviceKey(vip, family));
}

/** A destination to be made or changed. @param name `ip:port`, or `ip` for port 0 */
export function serverBytes(name: string, { method, tunnel, upper = 0, lower = 0 }: LvsServer, weight: number): Buffer {
  const { type, port = 0, checksum = 'nocsum' } = tunnel ?? { type: 'ipip' };
  const encapsulated = [
    attribute(DEST.tunnel, Buffer.from([TUNNELS.indexOf(type)])),
    attribute(DEST.tunnelPort, u16be(port)),
    attribute(DEST.tunnelFlags, u16(CHECKSUMS.indexOf(checksum))),
  ];
  return nested(
    TOP.dest,
    ...serverKey(name),
    attribute(DEST.forward, u32(METHODS[method])),
    attribute(DEST.weight, u32(weight)),
    attribute(DEST.upper, u32(upper)),
    attribute(DEST.lower, u32(lower)),
    ...(method === 'TUN' && type !== 'ipip' ? encapsulated : []),
  );
}

/** The name of a destination, to remove it. */
export function serverName(name: string): Buffer {
  return nested(TOP.dest, ...serverKey(name));
}

function serverKey(name: string): Buffer[] {
  const address = parseAddress(name, true);
  if (address === undefined) throw new Error(`"${name}" is no real server that IPVS knows`);
  const { bytes, family } = addressField(address);
  return [attribute(DEST.address, bytes), attribute(DEST.port, u16be(address.port)), attribute(DEST.family, u16(family))];
}

/** One entry of the list of services; undefined for a protocol that fourlane has no services of. @throws NetlinkFormatError */
export function parseService(entry: Attributes): FoundService | undefined {
  const own = parseAttributes(entry.get(TOP.service) ?? missing('service'));
  const read = (type: number, least: number) => {
    const value = own.get(type);
    return value === undefined || value.length < least ? missing(`attribute ${type} of ${least} bytes`) : value;
  };
  const family = read(SERVICE.family, 2).readUInt16LE(0) === addressField({ family: 6, ip: '::', port: 0 }).family ? 6 : 4;
  const flags = read(SERVICE.flags, 4).readUInt32LE(0);
  const engine = own.get(SERVICE.engine);
  const lvs: LvsService = {
    family,
    scheduler: textOf(read(SERVICE.scheduler, 1)),
    flags: LVS_FLAGS.filter((_, i) => (flags & FLAG_BITS[i]!) !== 0),
    persistence: (flags & PERSISTENT) === 0 ? 0 : read(SERVICE.timeout, 4).readUInt32LE(0),
    netmask:
      family === 6 ? `${read(SERVICE.netmask, 4).readUInt32LE(0)}` : [...read(SERVICE.netmask, 4).subarray(0, 4)].join('.'),
    ...(engine === undefined ? {} : { engine: textOf(engine) }),
    servers: [],
    existing: 'leave',
  };
  const mark = own.get(SERVICE.fwmark)?.readUInt32LE(0) ?? 0;
  if (mark !== 0) return { vip: `fwmark:${mark}`, family, text: serviceText(lvs) };
  const protocol = Object.entries(PROTOCOLS).find(([, number]) => number === read(SERVICE.protocol, 2).readUInt16LE(0))?.[0];
  if (protocol === undefined) return undefined;
  const ip = addressText(read(SERVICE.address, 16), family);
  const port = read(SERVICE.port, 2).readUInt16BE(0);
  return { vip: `${formatAddress({ family, ip, port })}/${protocol}`, family, text: serviceText(lvs) };
}

/** What the kernel has of a destination, beside its weight. */
export function foundServerText(forward: string, attributes: Attributes): string {
  const number = (type: number) => attributes.get(type)?.readUInt32LE(0) ?? 0;
  const type = TUNNELS[attributes.get(DEST.tunnel)?.[0] ?? 0] ?? 'ipip';
  const port = attributes.get(DEST.tunnelPort)?.readUInt16BE(0) ?? 0;
  const checksum = CHECKSUMS[attributes.get(DEST.tunnelFlags)?.readUInt16LE(0) ?? 0] ?? 'nocsum';
  const tunnel = forward === 'Tunnel' ? tunnelText({ type, port, checksum }) : [];
  return [OPTIONS[forward] ?? forward, ...tunnel, ...thresholdText(number(DEST.upper), number(DEST.lower))].join(' ');
}

const textOf = (bytes: Buffer) => bytes.toString('latin1').split('\0', 1)[0]!;

function addressText(field: Buffer, family: 4 | 6): string {
  if (family === 4) return [...field.subarray(0, 4)].join('.');
  const words = Array.from({ length: 8 }, (_, i) => field.readUInt16BE(2 * i).toString(16));
  return parseAddress(`[${words.join(':')}]`, true)!.ip;
}

function missing(what: string): never {
  throw new NetlinkFormatError(`a service without ${what}`);
}
