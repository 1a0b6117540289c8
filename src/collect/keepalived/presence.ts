/** Which processes keepalived has, over looks at them: restarts, reloads, and whose lines the FIFO may hold. Pure. */
import { type Role, ROLES } from './processes.ts';

export interface Presence {
  readonly known: ReadonlyMap<Role, { readonly identity: string; readonly restarts: number }>;
  /** Identity of the VRRP process; undefined = it does not run. */
  readonly vrrp: string | undefined;
  readonly looked: boolean;
  /** Lines that are read now may be those of the process before. */
  readonly mixed: boolean;
  /** When the VRRP process was first seen, if it took the place of another one or of none: ms of the clock. */
  readonly since: number;
  /** When this parent loaded its configuration, Unix seconds. */
  readonly loaded: { readonly parent: string; readonly at: number } | undefined;
  readonly reloads: number;
  /** How often another VRRP process was seen since the first look. */
  readonly starts: number;
}

export type PresenceEvent =
  /** A look at the processes, ms of the clock; `running`: identities of those that run. */
  | { readonly is: 'looked'; readonly running: ReadonlyMap<Role, string>; readonly now: number }
  /** When the parent loaded its configuration, Unix seconds. */
  | { readonly is: 'loaded'; readonly at: number }
  /** All lines that were in the FIFO have been read. */
  | { readonly is: 'linesRead' }
  /** There is no VRRP process. */
  | { readonly is: 'vrrpEnded' };

/** Loading may change the configuration's time more than once, s. */
const LOADING_S = 1;

export const NOT_LOOKED: Presence = {
  known: new Map(),
  vrrp: undefined,
  looked: false,
  mixed: false,
  since: Number.NEGATIVE_INFINITY,
  loaded: undefined,
  reloads: 0,
  starts: 0,
};

/** What is known after an event. */
export function stepped(presence: Presence, event: PresenceEvent): Presence {
  switch (event.is) {
    case 'looked':
      return looked(presence, event.running, event.now);
    case 'loaded': {
      const parent = presence.known.get('parent')?.identity;
      if (parent === undefined) return presence;
      const { loaded: before, reloads } = presence;
      const isReload = before?.parent === parent && event.at - before.at > LOADING_S;
      return { ...presence, loaded: { parent, at: event.at }, reloads: reloads + Number(isReload) };
    }
    case 'linesRead':
      return { ...presence, mixed: false };
    case 'vrrpEnded':
      return { ...presence, vrrp: undefined };
  }
}

function looked(presence: Presence, running: ReadonlyMap<Role, string>, now: number): Presence {
  const known = new Map(presence.known);
  for (const role of ROLES) {
    const before = known.get(role);
    const identity = running.get(role);
    if (identity === undefined || before?.identity === identity) continue;
    known.set(role, { identity, restarts: before === undefined ? 0 : before.restarts + 1 });
  }
  const vrrp = running.get('vrrp') ?? presence.vrrp;
  const next = { ...presence, known, vrrp, looked: true };
  // The process of the first look has been there for nobody knows how long.
  if (vrrp === presence.vrrp || !presence.looked) return next;
  return { ...next, mixed: true, since: now, starts: presence.starts + 1 };
}
