/** The lines that keepalived writes into a notify FIFO (vrrp_notify.c, notify_fifo). Pure. */

/** What an instance or group is in. `init`: not started yet; `stop`: its process has ended. `deleted` is announced only. */
export const STATES = ['init', 'backup', 'master', 'fault', 'stop'] as const;
export type State = (typeof STATES)[number];
/** What can be entered, as announced. */
export const ENTERED = ['backup', 'master', 'fault', 'stop', 'deleted'] as const;
export type Entered = (typeof ENTERED)[number];

export type Notice =
  | { readonly kind: 'instance' | 'group'; readonly name: string; readonly state: Entered; readonly priority: number }
  /** A priority that changed, in the same state (`notify_priority_changes`). */
  | { readonly kind: 'priority'; readonly name: string; readonly priority: number }
  /** Not about a state of VRRP: another master's advert with a lower priority, or a line of the checkers. */
  | { readonly kind: 'event' | 'checker' | 'other' };

const STATE: Readonly<Record<string, Entered>> = {
  BACKUP: 'backup',
  MASTER: 'master',
  FAULT: 'fault',
  STOP: 'stop',
  DELETED: 'deleted',
};

/** One line. The name stands in quotes and may hold anything, also quotes: it ends at the last one. */
export function parseNotice(line: string): Notice {
  const m = /^(INSTANCE|GROUP) "(.*)" ([A-Z_]+) (\d{1,3})$/.exec(line);
  if (m === null) return { kind: /^(VS|RS) \S+ .*(UP|DOWN)$/.test(line) ? 'checker' : 'other' };
  const [, what, name = '', word = '', digits] = m;
  const priority = Number(digits);
  const state = STATE[word];
  if (state !== undefined) return { kind: what === 'GROUP' ? 'group' : 'instance', name, state, priority };
  if (word === 'MASTER_PRIORITY' || word === 'BACKUP_PRIORITY') return { kind: 'priority', name, priority };
  return { kind: word === 'MASTER_RX_LOWER_PRI' ? 'event' : 'other' };
}
