/** What a check kind is: one value in `checks/index.ts`. */
import type { z } from 'zod';

export interface CheckKind {
  /** Config `type`, metric label `type`, file name. */
  readonly name: string;
  /** Own parameters besides `type`, `interval`, `timeout`, `fall`, `rise`. Strict; every default filled in. */
  readonly schema: z.ZodObject;
  /** False for kinds that check a host, not a port. */
  readonly needsPort: boolean;
  /** One line for help and docs. */
  readonly summary: string;
}
