/** Addresses of IPVS texts as fourlane writes them. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalV6 } from '../../model/address.ts';

/** Canonical texts already made: the same few thousand addresses come with each reading. */
const known = new Map<string, string>();
const MOST = 100_000;

/** RFC 5952 text; undefined when it is no IPv6 address. */
export function v6(text: string): string | undefined {
  const had = known.get(text);
  if (had !== undefined) return had;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  if (known.size >= MOST) known.clear();
  const made = canonicalV6(text);
  known.set(text, made);
  return made;
}

/** `192.0.2.10:80` / `[2001:db8::10]:80` → the same, canonical; undefined when it is neither. */
export function hostPort(text: string): string | undefined {
  const colon = text.lastIndexOf(':');
  const port = text.slice(colon + 1);
  if (colon <= 0 || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return undefined;
  if (text[0] !== '[') return isIPv4(text.slice(0, colon)) ? text : undefined;
  const ip = text[colon - 1] === ']' ? v6(text.slice(1, colon - 1)) : undefined;
  return ip === undefined ? undefined : `[${ip}]:${Number(port)}`;
}

/** `C000020A:0050` / `[2001:0db8:…:0010]:0050` of /proc/net/ip_vs → `192.0.2.10:80`; undefined when it is neither. */
export function hexHostPort(text: string): string | undefined {
  const m = /^(?:([0-9A-F]{8})|\[([0-9a-fA-F:.]{2,45})\]):([0-9A-F]{4})$/.exec(text);
  if (m === null) return undefined;
  const port = Number.parseInt(m[3]!, 16);
  if (m[1] !== undefined) {
    const number = Number.parseInt(m[1], 16);
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}:${port}`;
  }
  const ip = v6(m[2]!);
  return ip === undefined ? undefined : `[${ip}]:${port}`;
}
