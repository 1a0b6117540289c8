/** tcp: handshake, optionally a PROXY protocol header, bytes to send and bytes to expect. */
import { z } from 'zod';
import type { CheckKind } from './kind.ts';

export const proxyProtocol = z.enum(['v1', 'v2']).describe('PROXY protocol header to send first');

export const tcp: CheckKind = {
  name: 'tcp',
  needsPort: true,
  summary: 'TCP handshake; optional send/expect',
  schema: z.strictObject({
    send: z
      .string()
      .max(65536)
      .optional()
      .describe('text to send after the handshake; \\r, \\n, \\t, \\\\ and \\xHH are unescaped'),
    expect: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('text that must appear in the first 64 KiB of the answer; same escapes'),
    proxyProtocol: proxyProtocol.optional(),
  }),
};
