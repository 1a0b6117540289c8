/**
 * The kinds of text a config file holds: addresses, names, paths. Each reports what is wrong with a bad one and what to write.
 */
import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { formatPrefix, parsePrefix } from '../edge/prefix.ts';
import type { Address, Anchor } from '../model/plan.ts';
import { isPlain } from '../model/plain-text.ts';
import { formatAddress, parseAddress } from '../model/address.ts';

/** What a field is for. It sits on the text that is read, so that JSON Schema keeps it. */
interface Meta {
  readonly description: string;
  readonly examples: readonly string[];
}

/** A string field parsed by `parse`, which answers with the value or with a complaint. */
function parsed<T extends object>(parse: (text: string) => T | string, { description, examples }: Meta) {
  return z
    .string()
    .meta({ examples: [...examples] })
    .transform((text, ctx): T => {
      const result = parse(text);
      if (typeof result !== 'string') return result;
      ctx.addIssue({ code: 'custom', message: result });
      return z.NEVER;
    })
    .describe(description);
}

/** Printable from here on; without \p{…}, which JSON Schema validators without the u flag misread. */
const PRINTABLE = '[^\\u0000-\\u001f\\u007f-\\u009f]*$';

/** Text that becomes a metric label or a name in messages. */
export const label = z
  .string()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
  .regex(new RegExp(`^${PRINTABLE}`), 'must not hold control characters')
  .refine(isPlain, 'must not hold characters that are invisible or change the direction of writing');

/** Name of a network interface, by the kernel's rules. */
export const nicName = z
  .string()
  .regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, 'is not an interface name: 1 to 15 characters, no blank, "/" or ":"')
  .refine(isPlain, 'must not hold control characters, nor such that are invisible or change the direction of writing');

export const absolutePath = z
  .string()
  .regex(new RegExp(`^/${PRINTABLE}`), 'must be an absolute path')
  .max(4096);

/** Why `text` is not `ADDRESS:PORT`, with the remedy. */
function complain(text: string, form: string): string {
  const found = `"${text}" is not ${form}`;
  const match = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text);
  const host = (match?.[1] ?? match?.[2] ?? '').split('%')[0]!;
  if (match && match[3] !== undefined && (Number(match[3]) === 0 || Number(match[3]) > 65535))
    return `${found}: port ${match[3]} is outside 1 … 65535`;
  if (!match && isIPv6(text.split('%')[0]!))
    return `${found}: the port is missing; put an IPv6 address in brackets: [${text}]:80`;
  if (match && match[3] === undefined && (isIPv4(host) || isIPv6(host))) return `${found}: the port is missing; write ${text}:80`;
  if (match?.[1] !== undefined && isIPv4(host)) return `${found}: brackets are for IPv6 only`;
  if (/[a-z]/i.test(host) && /^[a-z0-9._-]+$/i.test(host)) {
    return (
      `${found}: "${host}" is a name; only addresses are allowed, so that name resolution can't fail a check. Write ` +
      `its IP address`
    );
  }
  return `${found}; write 192.0.2.1:80 or [2001:db8::1]:80`;
}

/** Why a well-formed address can't be a peer's, or ''. */
function unfit({ family, ip, scope }: Address, text: string): string {
  if (family === 4) {
    const first = Number.parseInt(ip, 10);
    if (first === 0 || first >= 224)
      return `"${text}": ${first === 0 ? 'an unspecified' : 'a multicast or reserved'} address is no host`;
    return '';
  }
  if (ip === '::' || ip.startsWith('ff'))
    return `"${text}": ${ip === '::' ? 'the unspecified' : 'a multicast'} address is no host`;
  if (ip.startsWith('::ffff:')) return `"${text}": write an IPv4-mapped address as plain IPv4`;
  if (scope === undefined) return '';
  if (!/^fe[89ab]/.test(ip)) return `"${text}": only link-local addresses (fe80::/10) have a scope; remove "%${scope}"`;
  return /^[^\s/:%]{1,15}$/.test(scope) ? '' : `"${text}": after "%" comes an interface, like fe80::1%eth0`;
}

function peer(text: string, portless: boolean, form: string): Address | string {
  const address = parseAddress(text, portless);
  return address ? unfit(address, text) || address : complain(text, form);
}

/** What `make` makes of the address of a real server, in one step: there are so many that a second one would be felt. */
export function realServerFrom<T extends object>(make: (address: Address) => T) {
  const parse = (text: string) => {
    const address = peer(text, true, 'an address and port');
    return typeof address === 'string' ? address : make(address);
  };
  return parsed(parse, {
    description: 'IP address and port; no names. The port is left out only for checks without one (ping, exec, file, bfd)',
    examples: ['10.1.0.1:8080', '[fd72::11]:80'],
  });
}

/** A real server: address and port; the port may be left out where the check has none. */
export const realServerAddress = realServerFrom((address) => address);

/** A source address, as text. */
export const hostAddress = parsed(
  (text) => {
    const address = isIPv4(text) || isIPv6(text) ? peer(text, true, '') : `"${text}" is not an IP address without port`;
    return typeof address === 'string' ? address : { text: address.ip };
  },
  {
    description: 'source address of the probes; default: chosen by the kernel for the interface',
    examples: ['192.0.2.10'],
  },
).transform(({ text }) => text);

/** An anchor: a bare address is pinged, `tcp://ip:port` is connected to. */
export const anchor = parsed<Anchor>(
  (text) => {
    const type = text.startsWith('tcp://') ? 'tcp' : 'ping';
    const bare = type === 'tcp' ? text.slice(6) : text;
    const address = peer(bare, type === 'ping', type === 'tcp' ? 'an address and port' : 'an address');
    if (typeof address === 'string') return address;
    if (type === 'ping' && address.port !== 0)
      return `"${text}" has a port: write ${formatAddress({ ...address, port: 0 })} for ping, or tcp://${text}`;
    return { id: type === 'tcp' ? `tcp://${formatAddress(address)}` : formatAddress(address), type, address };
  },
  {
    description: 'address on the link that must answer: ping, or tcp://ip:port',
    examples: ['192.0.2.1', 'tcp://192.0.2.1:179'],
  },
);

/** A prefix, or an address, which stands for the prefix of it alone; as text. */
export const prefix = parsed<{ text: string }>(
  (text) => {
    const found = parsePrefix(text);
    if (found === undefined) return `"${text}" is not a prefix; write an address and a length, like 10.0.0.0/24`;
    return { text: text.includes('/') ? text : formatPrefix(found) };
  },
  { description: 'IPv4 or IPv6 prefix', examples: ['10.0.0.0/24', 'fd64::/120'] },
).transform(({ text }) => text);

/** The listening address; port 0 asks the kernel for a free one. */
export const listen = parsed<{ host: string; port: number }>(
  (text) => {
    const anyPort = text.endsWith(':0');
    const address = parseAddress(anyPort ? `${text.slice(0, -1)}1` : text);
    return address ? { host: address.ip, port: anyPort ? 0 : address.port } : complain(text, 'an address and port');
  },
  {
    description: 'address and port for metrics, API and status page; port 0: any free one',
    examples: ['127.0.0.1:9844'],
  },
);

/** A virtual service, normalised: `vip:port/proto`, `[v6]:port/proto` or `fwmark:N`. */
export const vip = parsed((text) => normalVip(text), {
  description: 'virtual address, port and protocol, or firewall mark',
  examples: ['10.0.0.1:80/tcp', '[fd71::100]:443/tcp', 'fwmark:7'],
}).transform(({ text }) => text);

function normalVip(text: string): { text: string } | string {
  const mark = /^fwmark:(\d{1,10})$/.exec(text);
  if (mark) {
    const n = Number(mark[1]);
    if (n >= 1 && n <= 0xffff_ffff) return { text: `fwmark:${n}` };
    return `"${text}": a firewall mark is 1 … 4294967295`;
  }
  const form = 'a virtual service such as 10.0.0.1:80/tcp';
  const slash = text.lastIndexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  const proto = slash === -1 ? '' : text.slice(slash + 1);
  const address = peer(bare, false, form);
  if (typeof address === 'string') return address;
  if (address.scope !== undefined) return `"${text}": a virtual address has no scope; remove "%${address.scope}"`;
  if (proto !== 'tcp' && proto !== 'udp') {
    const found = proto === '' ? 'the protocol is missing' : `"${proto}" is not a protocol fourlane checks`;
    return `"${text}": ${found}; write ${bare}/tcp or ${bare}/udp`;
  }
  return { text: `${formatAddress(address)}/${proto}` };
}

/** Each kind of TCP option has a mark of its own; its bit is none that kube-proxy, Cilium or Calico use by default. */
const OPTION_MARKS = 0x2000;

/** Firewall mark of the connections with an option that passthrough sends. */
export function optionMark({ kind, mark }: { readonly kind: number; readonly mark?: number | undefined }): number {
  return mark ?? OPTION_MARKS + kind;
}
