/** exec: a script, as keepalived's MISC_CHECK: exit 0 is good. */
import { z } from 'zod';
import type { CheckKind } from './kind.ts';

export const exec: CheckKind = {
  name: 'exec',
  needsPort: true,
  summary: 'script; exit 0 is good (MISC_CHECK)',
  schema: z.strictObject({
    command: z
      .array(z.string())
      .min(1)
      .describe('program and arguments; not passed through a shell; the environment tells NIC and address'),
  }),
};
