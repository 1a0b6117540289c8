/** The lines that keepalived writes into a notify FIFO (vrrp_notify.c, ipwrapper.c). Pure. */
import { canonicalV6, formatAddress } from '../../model/address.ts';

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

/** A real server that a checker has put in or taken out. */
export interface CheckerNotice {
  /** `ip:port`. */
  readonly realServer: string;
  /** The service as a plan names it; undefined for one of a group, whose name alone is written. */
  readonly vip: string | undefined;
  readonly up: boolean;
}

/** `RS [10.0.1.2]:tcp:80 [192.0.2.10]:tcp:80 DOWN`, `… FWM 7 UP` (notify_fifo_rs); undefined for any other line. */
export function parseCheckerNotice(line: string): CheckerNotice | undefined {
  const m = /^RS \[([\da-fA-F.:]+)\]:\w+:(\d+) (.+) (UP|DOWN)$/.exec(line);
  if (m === null) return undefined;
  const [, ip = '', port, service = '', state] = m;
  const address = /^\[([\da-fA-F.:]+)\]:(tcp|udp):(\d+)$/.exec(service);
  const mark = /^FWM (\d+)$/.exec(service)?.[1];
  const vip = address === null ? mark && `fwmark:${mark}` : `${addressText(address[1]!, address[3])}/${address[2]}`;
  return { realServer: addressText(ip, port), vip, up: state === 'UP' };
}

const addressText = (ip: string, port: string | undefined) =>
  formatAddress({ family: ip.includes(':') ? 6 : 4, ip: ip.includes(':') ? canonicalV6(ip) : ip, port: Number(port) });

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
