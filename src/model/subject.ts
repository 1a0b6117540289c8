/** How the subject of a verdict is named: in the log, for people, and as a key. */
import type { Subject } from './verdict.ts';

/** In the log and as a key: `nic eth2`, `rs 10.1.0.1:80`, `path eth2 → 10.1.0.1:80`, `rack r7`, `agent`. */
export function nameOf(s: Subject): string {
  if (s.subject === 'path') return `path ${s.nic} → ${s.rs}`;
  return [s.subject, s.nic ?? s.rs ?? s.rack].filter(Boolean).join(' ');
}

/** For people: `eth2`, `10.1.0.1:80`, `eth2 → 10.1.0.1:80`, `rack r7`, `this agent`. */
export function subjectText(s: Subject): string {
  if (s.subject === 'path') return `${s.nic} → ${s.rs}`;
  if (s.subject === 'rack') return `rack ${s.rack}`;
  return s.nic ?? s.rs ?? 'this agent';
}
