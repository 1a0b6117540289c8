/** All rules about routing daemons. A new one is one entry in the list of its family. */
import { ACCESS } from './access.ts';
import { PATHS } from './paths.ts';
import { POLICY } from './policy.ts';
import type { BgpRule } from './rule.ts';
import { TIMERS } from './timers.ts';

export const BGP_RULES: readonly BgpRule[] = [...TIMERS, ...PATHS, ...POLICY, ...ACCESS].toSorted((a, b) =>
  a.code < b.code ? -1 : Number(a.code > b.code),
);
