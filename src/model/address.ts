/** Addresses of real servers and services as text. Pure, and without the library of schemas: every lane loads it. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Address } from './plan.ts';

/**
 * `10.1.0.1:80`, `[fd72::11]:80`, `[fe80::1%eth0]:80` → address; undefined when it is none. Without a port only if `portless`.
 */
export function parseAddress(text: string, portless = false): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const bare = match?.[1] ?? match?.[2] ?? (portless && isIPv6(text.split('%')[0]!) ? text : undefined);
  if (bare === undefined) return undefined;
  const port = match?.[3] === undefined ? 0 : Number(match[3]);
  if ((match?.[3] === undefined && !portless) || port > 65535 || (match?.[3] !== undefined && port === 0)) return undefined;
  const [ip, scope] = bare.includes('%') ? (bare.split('%') as [string, string?]) : [bare, undefined];
  if (isIPv4(ip) && scope === undefined && match?.[1] === undefined) return { family: 4, ip, port };
  if (isIPv6(ip) && (match?.[2] === undefined || match === null)) {
    return { family: 6, ip: canonicalV6(ip), port, ...(scope === undefined ? {} : { scope }) };
  }
  return undefined;
}

/** RFC 5952 text of an IPv6 address known to be valid. */
export function canonicalV6(ip: string): string {
  return new URL(`http://[${ip}]/`).hostname.slice(1, -1);
}

/** `ip:port` / `[v6]:port` / bare ip when there is no port. */
export function formatAddress(address: Address): string {
  const ip = address.scope === undefined ? address.ip : `${address.ip}%${address.scope}`;
  if (address.port === 0) return ip;
  return address.family === 6 ? `[${ip}]:${address.port}` : `${ip}:${address.port}`;
}
