/** Addresses in replies, as fourlane writes them. IPv4 leaves 12 of the 16 bytes as they happened to be: the family decides. */
import { canonicalV6 } from '../../model/address.ts';
import { DecodeError } from './wire.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Texts already made: the same few thousand come with each reading, and equal texts that are one object compare fastest. */
const known = new Map<string, string>();
/** IPv4 addresses with ports, by both as one number of 48 bits. */
const known4 = new Map<number, string>();
const MOST = 100_000;

/** `192.0.2.1`, `2001:db8::1`. @throws DecodeError when the family is neither */
export function address(family: number, bytes: Buffer, at: number): string {
  if (family === AF_INET) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  if (family !== AF_INET6) throw new DecodeError('address', `family ${family}`, `${AF_INET} or ${AF_INET6}`);
  const key = bytes.toString('latin1', at, at + 16);
  const had = known.get(key);
  if (had !== undefined) return had;
  if (known.size >= MOST) known.clear();
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16));
  const made = canonicalV6(words.join(':'));
  known.set(key, made);
  return made;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`; the port in network order at `portAt`. @throws DecodeError */
export function hostPort(family: number, bytes: Buffer, at: number, portAt: number): string {
  const port = bytes.readUInt16BE(portAt);
  if (family !== AF_INET) return `[${address(family, bytes, at)}]:${port}`;
  const key = bytes.readUInt32BE(at) * 0x1_0000 + port;
  const had = known4.get(key);
  if (had !== undefined) return had;
  if (known4.size >= MOST) known4.clear();
  const made = `${address(family, bytes, at)}:${port}`;
  known4.set(key, made);
  return made;
}

/** Whether the first four bytes are zero: how DPVS's tools recognise that a service has no address. */
export function isNone(bytes: Buffer, at: number): boolean {
  return bytes.readUInt32LE(at) === 0;
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' };

/** `tcp`; the number when it is another one. */
export function protocolName(protocol: number): string {
  return PROTOCOLS[protocol] ?? String(protocol);
}

/** struct inet_addr_range, 36 B: `10.0.0.1-10.0.0.9:0-0`, `[fd00::1-fd00::9]:1-2`; undefined when it is everything. */
export function addressRange(family: number, bytes: Buffer, at: number): string | undefined {
  // A service that is no match has family 0 here.
  const [low, high] = [address(family || AF_INET, bytes, at), address(family || AF_INET, bytes, at + 16)];
  const ports = `${bytes.readUInt16BE(at + 32)}-${bytes.readUInt16BE(at + 34)}`;
  const range = family === AF_INET6 ? `[${low}-${high}]:${ports}` : `${low}-${high}:${ports}`;
  return range === '[::-::]:0-0' || range === '0.0.0.0-0.0.0.0:0-0' ? undefined : range;
}
