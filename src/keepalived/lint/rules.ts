/** Every rule of the linter. */
import { crossNode } from './cross-node.ts';
import { details } from './details.ts';
import { host } from './host.ts';
import { lvsChecker } from './lvs-checker.ts';
import { lvsServer } from './lvs-server.ts';
import type { Rule } from './rule.ts';
import { scripts } from './scripts.ts';
import { syntax } from './syntax.ts';
import { values } from './values.ts';
import { vrrpAddress } from './vrrp-address.ts';
import { vrrpInstance } from './vrrp-instance.ts';
import { vrrpMode } from './vrrp-mode.ts';
import { vrrpTrack } from './vrrp-track.ts';

/** Families in the order of their documentation. */
export const FAMILIES: readonly { readonly title: string; readonly rules: readonly Rule[] }[] = [
  { title: 'Files, lines and braces', rules: syntax },
  { title: 'Keywords and values', rules: values },
  { title: 'VRRP instances', rules: vrrpInstance },
  { title: 'Strict mode, authentication, unicast', rules: vrrpMode },
  { title: 'Virtual addresses', rules: vrrpAddress },
  { title: 'Tracking and sync groups', rules: vrrpTrack },
  { title: 'Scripts', rules: scripts },
  { title: 'Virtual and real servers', rules: lvsServer },
  { title: 'Checkers', rules: lvsChecker },
  { title: 'Smaller things', rules: details },
  { title: 'Nodes against each other (several files)', rules: crossNode },
  { title: 'The machine (`--host`)', rules: host },
];

export const RULES: readonly Rule[] = FAMILIES.flatMap(({ rules }) => rules);
