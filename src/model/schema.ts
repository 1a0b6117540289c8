/** Schema pieces shared by config, checks and actuators. Pure: text in, values or issues out. */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import type { Address } from './plan.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `1s`, `1.5s`, `2m`, `1h` → ms; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}

/** ms → text in the largest unit that leaves a whole number: `500ms`, `90s`, `1h`. */
function formatDuration(ms: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, f]) => ms % f === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}

/** A duration in config text; the parsed value is ms. */
export function duration(minMs: number, maxMs: number) {
  return z
    .string()
    .meta({ examples: ['500ms', '1s', '2m'] })
    .transform((text, ctx) => {
      const ms = parseDuration(text);
      if (ms === undefined) {
        ctx.addIssue({ code: 'custom', message: `"${text}" is not a duration; write a number and a unit, like 500ms, 1s or 2m` });
        return z.NEVER;
      }
      if (ms < minMs || ms > maxMs) {
        ctx.addIssue({ code: 'custom', message: `${text} is outside ${formatDuration(minMs)} … ${formatDuration(maxMs)}` });
        return z.NEVER;
      }
      return ms;
    });
}

/** An http:// or https:// URL without credentials. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http:// or https:// URL' })
  .max(8192)
  .refine((url) => !/^https?:\/\/[^/]*@/.test(url), 'must not hold a user or password; put an authorization header into headers');

/** The characters of a token of HTTP (RFC 9110 §5.6.2), such as a header's name, as the inside of a character class. */
export const TOKEN = "!#$%&'*+.^_`|~0-9A-Za-z-";

/** Extra request headers by name. Secret: they may hold credentials. */
export const httpHeaders = z
  .record(
    z.string().regex(new RegExp(`^[${TOKEN}]{1,256}$`), 'is not a header name'),
    z
      .string()
      .max(4096)
      .regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII'),
  )
  .default({})
  .meta({ secret: true });

/**
 * `10.1.0.1:80`, `[fd72::11]:80`, `[fe80::1%eth0]:80` → address; undefined when it is none. Without a port only if `portless`.
 */
export function parseAddress(text: string, portless = false): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const bare = match?.[1] ?? match?.[2] ?? (portless && isIPv6(text.split('%')[0]!) ? text : undefined);
  if (bare === undefined) return undefined;
  const port = match?.[3] === undefined ? 0 : Number(match[3]);
  if ((match?.[3] === undefined && !portless) || port > 65535 || (match?.[3] !== undefined && port === 0)) return undefined;
  const [ip, scope] = bare.split('%') as [string, string?];
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
