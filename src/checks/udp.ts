/** udp: a datagram and its reply; ICMP port unreachable is a refusal. */
import { z } from 'zod';
import type { CheckKind } from './kind.ts';

const hex = z
  .string()
  .regex(/^(?:[0-9a-fA-F]{2})*$/, 'must be pairs of hex digits')
  .max(8192);

export const udp: CheckKind = {
  name: 'udp',
  needsPort: true,
  summary: 'UDP datagram; expected reply; ICMP unreachable is a refusal',
  schema: z.strictObject({
    payload: z.string().max(4096).optional().describe('text to send; same escapes as tcp.send'),
    payloadHex: hex.optional().describe('bytes to send, as hex'),
    expect: z.string().min(1).max(4096).optional().describe('text that must appear in the reply'),
    expectHex: hex.optional().describe('bytes that must appear in the reply'),
    requireReply: z.boolean().default(true).describe('false: silence until the timeout is good, only ICMP errors are bad'),
  }),
};
