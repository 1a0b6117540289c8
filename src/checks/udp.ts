/** udp: a datagram and its reply; ICMP port unreachable is a refusal. */
import { z } from 'zod';
import { unescape, validEscapes } from './bytes.ts';
import { passed, wrong } from './judgement.ts';
import { checkKind, type Exchange, type Judgement, type SocketCheck } from './kind.ts';

const escapes = 'has a wrong escape; write \\r, \\n, \\t, \\0, \\\\ or \\xHH';
const hex = z
  .string()
  .regex(/^(?:[0-9a-fA-F]{2})*$/, 'must be pairs of hex digits')
  .max(8192);

const schema = z.strictObject({
  payload: z
    .string()
    .max(4096)
    .refine(validEscapes, escapes)
    .optional()
    .meta({ description: 'text to send; same escapes as tcp.send', private: true }),
  payloadHex: hex.optional().meta({ description: 'bytes to send, as hex', private: true }),
  expect: z.string().min(1).max(4096).refine(validEscapes, escapes).optional().describe('text that must appear in the reply'),
  expectHex: hex.min(2).optional().describe('bytes that must appear in the reply'),
  requireReply: z.boolean().default(true).describe('false: silence until the timeout is good, only errors are bad'),
});
const exclusive = schema
  .refine(
    (profile) => profile.payload === undefined || profile.payloadHex === undefined,
    'payload and payloadHex exclude each other',
  )
  .refine(
    (profile) => profile.expect === undefined || profile.expectHex === undefined,
    'expect and expectHex exclude each other',
  );

export const udp = checkKind({
  name: 'udp',
  needsPort: true,
  summary: 'UDP datagram; expected reply; ICMP unreachable is a refusal',
  schema: exclusive,
  prepare(profile): SocketCheck {
    const request = profile.payloadHex === undefined ? unescape(profile.payload ?? '') : Buffer.from(profile.payloadHex, 'hex');
    const text =
      profile.expectHex === undefined ? profile.expect && unescape(profile.expect) : Buffer.from(profile.expectHex, 'hex');
    const exchange: Exchange = {
      request: (into) => request.copy(into),
      feed: (chunk): Judgement => (text && !chunk.includes(text) ? wrong('match', 'body') : passed),
      closed: () => wrong('response', 'closed'),
    };
    return { transport: 'datagram', begin: () => exchange, ...(profile.requireReply ? {} : { silence: passed }) };
  },
});
