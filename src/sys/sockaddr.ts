/** struct sockaddr_in / sockaddr_in6 as bytes, packed for transfer to lanes: one record per target. */
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Address } from '../model/plan.ts';
import { canonicalV6 } from '../model/address.ts';
import { AF_INET, AF_INET6 } from './libc.ts';

/** Bytes of one packed record: a sockaddr_in6; a sockaddr_in uses the first 16. */
export const SOCKADDR_SIZE = 28;

/** Length the kernel expects for the record's family. */
export function sockaddrLength(record: Uint8Array): number {
  return record[0] === AF_INET ? 16 : SOCKADDR_SIZE;
}

/** Writes an address as sockaddr into `out` at `offset`; the scope of a link-local address is `scope` or that of `device`. */
export function packSockaddr(address: Address, out: Uint8Array, offset = 0, device?: string): void {
  out.fill(0, offset, offset + SOCKADDR_SIZE);
  out[offset] = address.family === 4 ? AF_INET : AF_INET6;
  out[offset + 2] = address.port >> 8;
  out[offset + 3] = address.port & 255;
  if (address.family === 4) {
    writeV4(address.ip, out, offset + 4);
    return;
  }
  writeV6(address.ip, out, offset + 8);
  const scope = scopeId(address, device);
  out[offset + 24] = scope & 255;
  out[offset + 25] = (scope >> 8) & 255;
  out[offset + 26] = (scope >> 16) & 255;
}

/** 28 bytes holding the sockaddr of `address`. */
export function sockaddrOf(address: Address, device?: string): Uint8Array {
  const record = new Uint8Array(SOCKADDR_SIZE);
  packSockaddr(address, record, 0, device);
  return record;
}

/** Takes the scope out of a packed IPv6 record. */
export function clearScope(record: Uint8Array): void {
  if (record[0] === AF_INET6) record.fill(0, 24, 28);
}

/** The address a packed record holds; the scope of an IPv6 one as a number. */
export function unpackSockaddr(record: Uint8Array): Address {
  const port = (record[2]! << 8) | record[3]!;
  if (record[0] === AF_INET) return { family: 4, ip: record.subarray(4, 8).join('.'), port };
  const groups = Array.from({ length: 8 }, (_, i) => ((record[8 + 2 * i]! << 8) | record[9 + 2 * i]!).toString(16));
  const scope = record[24]! | (record[25]! << 8) | (record[26]! << 16);
  return { family: 6, ip: canonicalV6(groups.join(':')), port, ...(scope === 0 ? {} : { scope: String(scope) }) };
}

/** The 4 or 16 bytes of an address, in network order. */
export function addressBytes(ip: string): Buffer {
  const bytes = Buffer.alloc(isIPv4(ip) ? 4 : 16);
  (bytes.length === 4 ? writeV4 : writeV6)(ip, bytes, 0);
  return bytes;
}

function writeV4(ip: string, out: Uint8Array, offset: number): void {
  out.set(ip.split('.').map(Number), offset);
}

/** Bytes of a canonical IPv6 text; an embedded dotted quad is accepted. */
function writeV6(ip: string, out: Uint8Array, offset: number): void {
  const group = (high?: string, low?: string) => ((Number(high) << 8) | Number(low)).toString(16);
  const quad = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const text = quad ? quad[1]! + group(quad[2], quad[3]) + ':' + group(quad[4], quad[5]) : ip;
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((part) => Number.parseInt(part, 16)));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all =
    tail === undefined ? front : [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  all.forEach((each, i) => {
    out[offset + 2 * i] = each >> 8;
    out[offset + 2 * i + 1] = each & 255;
  });
}

/** Interface index of a scope given as name or number; link-local addresses without one take the probing device's. */
function scopeId(address: Address, device: string | undefined): number {
  const linkLocal = /^fe[89ab]/i.test(address.ip);
  const scope = linkLocal ? (device ?? address.scope) : address.scope;
  if (scope === undefined) return 0;
  if (/^\d+$/.test(scope)) return Number(scope);
  return networkInterfaces()[scope]?.find((i) => i.family === 'IPv6' && i.scopeid !== 0)?.scopeid ?? 0;
}
