/** http: one request on a fresh connection; status, body text, regular expression or MD5 of the body. */
import { z } from 'zod';
import type { Address } from '../model/plan.ts';
import { formatAddress } from '../model/schema.ts';
import { HttpExchange, type HttpProfile, httpProfile } from './http-exchange.ts';
import type { CheckKind, SocketCheck } from './kind.ts';
import { proxyProtocol } from './tcp.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `200`, `200-299`, `200-299,404` → list of [low, high]. */
const statusRanges = z.union([z.int(), z.string()]).transform((value, ctx) => {
  const ranges: [number, number][] = [];
  for (const part of String(value).split(',')) {
    const m = /^\s*(\d{3})(?:\s*-\s*(\d{3}))?\s*$/.exec(part);
    const low = Number(m?.[1]);
    const high = Number(m?.[2] ?? m?.[1]);
    if (!m || low < 100 || high > 599 || low > high) {
      ctx.addIssue({
        code: 'custom',
        message: `"${part.trim()}" is not an HTTP status or range; write 200, 200-299 or 200-299,404`,
      });
      return z.NEVER;
    }
    ranges.push([low, high]);
  }
  return ranges;
});

/** What the Host header says when nothing else is asked: the address, without an IPv6 scope (RFC 6874 keeps it off the wire). */
export function hostText({ family, ip, port }: Address): string {
  return formatAddress({ family, ip, port });
}

function compiles(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

/** Parameters shared by http and ssl. */
export const httpParameters = {
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']).default('GET'),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and hold printable ASCII without blanks')
    .max(8192)
    .default('/'),
  host: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII')
    .max(255)
    .optional()
    .describe('Host header; default: the address'),
  headers: z
    .record(z.string().regex(token, 'is not a header name'), z.string().regex(/^[\x20-\x7e\t]*$/, 'must be printable ASCII'))
    .default({})
    .describe('more request headers'),
  status: statusRanges.default([[200, 299]]).describe('accepted statuses: 200, 200-299 or 200-299,404'),
  contains: z.string().min(1).max(4096).optional().describe('text the body must contain'),
  matches: z
    .string()
    .min(1)
    .max(1024)
    .refine(compiles, 'is not a valid regular expression (JavaScript syntax)')
    .optional()
    .describe('regular expression the body must match'),
  md5: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits')
    .optional()
    .describe('MD5 of the body, as genhash prints it'),
  maxBody: z
    .int()
    .min(1)
    .max(64 << 20)
    .default(1 << 20)
    .describe('bytes of body read at most when the body is examined'),
};

export const http: CheckKind = {
  name: 'http',
  needsPort: true,
  summary: 'HTTP/1.1 request: status, body substring, regular expression or MD5',
  schema: z.strictObject({ ...httpParameters, proxyProtocol: proxyProtocol.optional() }),
  prepare(profile, address: Address): SocketCheck {
    const shared: HttpProfile = httpProfile(profile);
    const host = hostText(address);
    return { transport: 'stream', begin: () => new HttpExchange(shared, host) };
  },
};
