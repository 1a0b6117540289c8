/** The JSON of FRR's bgpd and bfdd, 7.5 and later. Lenient to what is new, strict to what is wrong. */
import * as z from 'zod';
import type { AddressFamily } from '../../model/plan.ts';
import { familyOf, sessionKey } from '../../edge/expected.ts';
import type { BfdSession, FamilyState, Reset, Session, SessionState } from '../session.ts';

/** An answer that is not as FRR writes it. */
export class DecodeError extends Error {
  constructor(command: string, problem: string) {
    super(`${command}: ${problem}`);
    this.name = 'DecodeError';
  }
}

const count = z.number().int().min(0);

const summaryPeer = z.looseObject({
  state: z.string(),
  peerState: z.string().optional(),
  pfxRcd: count.default(0),
  pfxSnt: count.default(0),
  peerUptimeMsec: count.optional(),
  connectionsDropped: count.optional(),
});
const summaryFamily = z.looseObject({ ribCount: count.default(0), peers: z.record(z.string(), summaryPeer).default({}) });
const summary = z.record(z.string(), z.record(z.string(), z.unknown()));

const neighbor = z.looseObject({
  adminShutDown: z.boolean().optional(),
  lastErrorCodeSubcode: z.string().optional(),
  lastNotificationReason: z.string().optional(),
  lastShutdownDescription: z.string().optional(),
  lastResetDueTo: z.string().optional(),
  lastResetTimerMsecs: count.optional(),
});
const neighbors = z.record(z.string(), z.record(z.string(), z.unknown()));

const prefixAnswer = z.looseObject({ advertisedTo: z.record(z.string(), z.unknown()).default({}) });
const advertised = z.looseObject({ advertisedRoutes: z.record(z.string(), z.unknown()).default({}) });

const bfdPeers = z.array(
  z.looseObject({ peer: z.string(), vrf: z.string().default('default'), interface: z.string().optional(), status: z.string() }),
);

function parsed(command: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError(command, `found ${JSON.stringify(text.slice(0, 80))}; expected JSON`);
  }
}

function checked<T>(command: string, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new DecodeError(command, `${issue?.path.join('.')}: ${issue?.message}`);
}

/** The answer of a command by its schema. FRR answers nothing at all where there is nothing to show. */
function decoded<T>(command: string, text: string, schema: z.ZodType<T>): T {
  return checked(command, parsed(command, text === '' ? '{}' : text), schema);
}

const FAMILIES: Readonly<Record<string, AddressFamily>> = { ipv4Unicast: 'ipv4', ipv6Unicast: 'ipv6' };

/** A family by FRR's name of its table; undefined: another one. */
export function familyNamed(table: string): AddressFamily | undefined {
  return FAMILIES[table];
}

const STATES: Readonly<Record<string, SessionState>> = {
  Idle: 'idle',
  Connect: 'connect',
  Active: 'active',
  OpenSent: 'opensent',
  OpenConfirm: 'openconfirm',
  Established: 'established',
  Clearing: 'idle',
  Deleted: 'idle',
  // Established, and this family was refused by the peer.
  NoNeg: 'established',
  'Idle (Admin)': 'admin_down',
  'Idle (PfxCt)': 'prefix_limit',
};

export interface Summary {
  readonly sessions: readonly Session[];
  /** Prefixes in all tables. */
  readonly routes: number;
}

/** `show bgp vrf all summary json`. */
export function decodeSummary(command: string, text: string): Summary {
  const found = new Map<string, Session>();
  let routes = 0;
  for (const [vrf, tables] of Object.entries(decoded(command, text, summary))) {
    for (const [table, value] of Object.entries(tables)) {
      const family = FAMILIES[table];
      if (family === undefined) continue;
      const { ribCount, peers } = checked(command, value, summaryFamily);
      routes += ribCount;
      for (const [peer, shown] of Object.entries(peers)) {
        const key = sessionKey({ vrf, peer });
        const state = STATES[shown.state];
        if (state === undefined) throw new DecodeError(command, `${peer}: found the state ${shown.state}`);
        const up = shown.state === 'Established';
        const mine: FamilyState = { family, up, received: shown.pfxRcd, announced: shown.pfxSnt };
        const { families = [] } = found.get(key) ?? {};
        const uptime =
          state === 'established' && shown.peerUptimeMsec !== undefined ? { uptime: shown.peerUptimeMsec / 1000 } : {};
        const drops = shown.connectionsDropped === undefined ? {} : { drops: shown.connectionsDropped };
        found.set(key, { vrf, peer, state, families: [...families, mine], ...uptime, ...drops });
      }
    }
  }
  return { sessions: [...found.values()], routes };
}

const instance = z.looseObject({ as: z.number().int().positive() });

/** `show bgp vrf all summary json`: the number of the autonomous system of each VRF. */
export function decodeSystems(command: string, text: string): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(decoded(command, text, summary)).flatMap(([vrf, tables]): [string, number][] => {
      const found = Object.values(tables).flatMap((table) => instance.safeParse(table).data ?? []);
      return found.slice(0, 1).map(({ as }) => [vrf, as]);
    }),
  );
}

/** `show running-config`: the text of each `neighbor PEER shutdown message TEXT`, by session. */
export function decodeShutTexts(text: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let vrf: string | undefined;
  for (const line of text.split('\n')) {
    const router = /^router bgp \d+(?: (vrf|view) (\S+))?/.exec(line);
    if (router !== null) vrf = router[2] ?? 'default';
    else if (!line.startsWith(' ')) vrf = undefined;
    const shut = /^ neighbor (\S+) shutdown message (.+)$/.exec(line);
    if (vrf !== undefined && shut !== null) texts.set(sessionKey({ vrf, peer: shut[1]! }), shut[2]!.trim());
  }
  return texts;
}

/** `show bgp vrf all neighbors json`: why each session ended last, by session. */
export function decodeNeighbors(command: string, text: string): ReadonlyMap<string, Reset> {
  const resets = new Map<string, Reset>();
  for (const [vrf, peers] of Object.entries(decoded(command, text, neighbors))) {
    for (const [peer, value] of Object.entries(peers)) {
      const result = neighbor.safeParse(value);
      const reset = result.success ? resetOf(result.data) : undefined;
      if (reset !== undefined) resets.set(sessionKey({ vrf, peer }), reset);
    }
  }
  return resets;
}

/** What a daemon shows that has not reset a session yet. */
const NO_RESET = new Set(['No AFI/SAFI activated for peer', 'Waiting for peer OPEN', 'none']);

/** Code and texts of a NOTIFICATION stay although a later reset had another reason: they count only when it is the last one's. */
function resetOf(shown: z.output<typeof neighbor>): Reset | undefined {
  const { lastErrorCodeSubcode = '', lastNotificationReason, lastShutdownDescription, lastResetDueTo = '' } = shown;
  if (lastResetDueTo === '' || NO_RESET.has(lastResetDueTo)) return undefined;
  const notified = lastResetDueTo.startsWith('BGP Notification');
  const reason = (notified ? (lastShutdownDescription ?? lastNotificationReason) : undefined) ?? lastResetDueTo;
  const ago = shown.lastResetTimerMsecs === undefined ? {} : { ago: shown.lastResetTimerMsecs / 1000 };
  return { code: notified ? lastErrorCodeSubcode : '', reason, ...ago };
}

/** `show bgp [vrf V] ipv4|ipv6 unicast PREFIX json`: the peers that it is announced to; a prefix that is not there has none. */
export function decodePrefix(command: string, text: string): readonly string[] {
  return Object.keys(decoded(command, text, prefixAnswer).advertisedTo);
}

/** `show bgp … neighbors PEER advertised-routes json`: prefixes. */
export function decodeAdvertised(command: string, text: string): readonly string[] {
  return Object.keys(decoded(command, text, advertised).advertisedRoutes);
}

/** `show bfd peers json`. */
export function decodeBfd(command: string, text: string): readonly BfdSession[] {
  return decoded(command, text === '' ? '[]' : text, bfdPeers).map(({ peer, vrf, interface: device, status }) => ({
    vrf,
    peer,
    ...(device === undefined ? {} : { device }),
    state: status,
    up: status === 'up',
  }));
}

/** Words of a command for a prefix's table. */
export function tableOf(vrf: string, prefix: string): string {
  return `${vrf === 'default' ? '' : `vrf ${vrf} `}${familyOf(prefix)} unicast`;
}
