/** ssl: https with SNI, optional verification, certificate expiry. */
import { z } from 'zod';
import { httpParameters } from './http.ts';
import type { CheckKind } from './kind.ts';

export const ssl: CheckKind = {
  name: 'ssl',
  needsPort: true,
  summary: 'HTTPS request: as http, plus SNI, verification and certificate expiry',
  schema: z.strictObject({
    ...httpParameters,
    sni: z.string().min(1).max(255).optional().describe('server name to send and verify; default: host, if it is a name'),
    verify: z.boolean().default(false).describe('the chain and name must be valid'),
    ca: z.string().optional().describe('PEM file with the CAs to trust instead of the built-in ones'),
  }),
};
