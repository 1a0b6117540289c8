/** udp: a datagram and its reply; ICMP port unreachable is a refusal. */
import * as z from 'zod';
import { unescape, validEscapes } from './bytes.ts';
import { passed, wrong } from './judgement.ts';
import { checkKind, type Exchange, type Judgement, type SocketCheck } from './kind.ts';

const escapes = 'has a wrong escape; write \\r, \\n, \\t, \\0, \\\\ or \\xHH';
/** Of a datagram. */
const MOST = 65_535;
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
  replyHex: z
    .string()
    .regex(/^(?:[0-9a-fA-FxX]{2})+$/, 'must be pairs of hex digits, with x for any digit')
    .max(8192)
    .optional()
    .describe('bytes of the reply from its first one on; x: any digit. A shorter reply is compared as far as it goes'),
  minReply: z.int().min(0).max(MOST).optional().describe('least bytes of a reply'),
  maxReply: z.int().min(0).max(MOST).optional().describe('most bytes of a reply'),
  requireReply: z.boolean().default(true).describe('false: silence until the timeout is good, only errors are bad'),
});
const exclusive = schema
  .refine(
    (profile) => profile.payload === undefined || profile.payloadHex === undefined,
    'payload and payloadHex exclude each other',
  )
  .refine((profile) => profile.expect === undefined || profile.expectHex === undefined, 'expect and expectHex exclude each other')
  .refine((profile) => (profile.minReply ?? 0) <= (profile.maxReply ?? MOST), {
    path: ['minReply'],
    error: ({ input }) => {
      const { minReply, maxReply } = input as { minReply: number; maxReply: number };
      return `is ${minReply}, more than maxReply, ${maxReply}; no reply would be good`;
    },
  });

export const udp = checkKind({
  name: 'udp',
  needsPort: true,
  summary: 'UDP datagram; expected reply; ICMP unreachable is a refusal',
  schema: exclusive,
  prepare(profile): SocketCheck {
    const request = profile.payloadHex === undefined ? unescape(profile.payload ?? '') : Buffer.from(profile.payloadHex, 'hex');
    const text =
      profile.expectHex === undefined ? profile.expect && unescape(profile.expect) : Buffer.from(profile.expectHex, 'hex');
    const begins = profile.replyHex === undefined ? undefined : maskedHex(profile.replyHex);
    const { minReply = 0, maxReply = MOST } = profile;
    const exchange: Exchange = {
      request: (into) => request.copy(into),
      feed(chunk): Judgement {
        if (chunk.length < minReply || chunk.length > maxReply) return wrong('match', 'length', chunk.length);
        const good = (!text || chunk.includes(text)) && (begins === undefined || fits(chunk, begins));
        return good ? passed : wrong('match', 'body');
      },
      closed: () => wrong('response', 'closed'),
    };
    return { transport: 'datagram', begin: () => exchange, ...(profile.requireReply ? {} : { silence: passed }) };
  },
});

interface Masked {
  readonly value: Buffer;
  /** 1 bits count. */
  readonly mask: Buffer;
}

function maskedHex(text: string): Masked {
  return {
    value: Buffer.from(text.replace(/x/gi, '0'), 'hex'),
    mask: Buffer.from(text.replace(/[^x]/gi, 'f').replace(/x/gi, '0'), 'hex'),
  };
}

/** Whether the bytes that both have are the same, as for keepalived. */
function fits(chunk: Buffer, { value, mask }: Masked): boolean {
  for (let i = 0; i < Math.min(chunk.length, value.length); i++) if (((chunk[i]! ^ value[i]!) & mask[i]!) !== 0) return false;
  return true;
}
