/** ping: ICMP echo by an unprivileged datagram socket, IPv4 and IPv6. */
import { z } from 'zod';
import type { CheckKind } from './kind.ts';

export const ping: CheckKind = {
  name: 'ping',
  needsPort: false,
  summary: 'ICMP echo',
  schema: z.strictObject({ size: z.int().min(8).max(1400).default(56).describe('payload bytes') }),
};
