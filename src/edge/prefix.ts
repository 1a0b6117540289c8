/** IP prefixes as numbers: parsing, printing, containment. Pure. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalV6 } from '../model/address.ts';

export interface Prefix {
  readonly family: 4 | 6;
  /** The address as a number, host bits included. */
  readonly base: bigint;
  /** Bits of the network: 0 … 32, or 0 … 128. */
  readonly length: number;
}

/** Bits of an address. */
export function width(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** `10.0.0.0/24`, `fd64::/124`, or an address, which is a prefix of one; undefined: it is none. Host bits are kept. */
export function parsePrefix(text: string): Prefix | undefined {
  const [ip = '', bits, ...more] = text.split('/');
  const family = isIPv4(ip) ? 4 : isIPv6(ip) && !ip.includes('%') ? 6 : undefined;
  if (family === undefined || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const length = bits === undefined ? width(family) : Number(bits);
  return length > width(family) ? undefined : { family, base: family === 4 ? numberOfV4(ip) : numberOfV6(ip), length };
}

function numberOfV4(ip: string): bigint {
  return ip.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function numberOfV6(ip: string): bigint {
  const [head = '', tail] = canonicalV6(ip).split('::');
  const words = (part: string) => (part === '' ? [] : part.split(':'));
  const [front, back] = [words(head), words(tail ?? '')];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}

/** Address as text, IPv6 as RFC 5952 writes it. */
export function formatIp(family: 4 | 6, base: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((base >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return canonicalV6(words.join(':'));
}

/** `ADDRESS/LENGTH`, as routing daemons write it. */
export function formatPrefix({ family, base, length }: Prefix): string {
  return `${formatIp(family, base)}/${length}`;
}

/** How many addresses. */
export function sizeOf({ family, length }: Prefix): bigint {
  return 1n << BigInt(width(family) - length);
}

/** The prefix without host bits. */
export function masked(prefix: Prefix): Prefix {
  return { ...prefix, base: prefix.base - (prefix.base % sizeOf(prefix)) };
}

/** Whether every address of `inner` is one of `outer`. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    masked(outer).base === masked({ ...inner, length: outer.length }).base
  );
}

/** Whether they have an address in common. */
export function overlap(one: Prefix, other: Prefix): boolean {
  return contains(one, other) || contains(other, one);
}

export function samePrefix(one: Prefix, other: Prefix): boolean {
  return one.length === other.length && contains(one, other);
}
