/** What BIRD 2 and 3 print, as text. Lenient to what is new, strict to what is wrong. */
import type { AddressFamily } from '../../model/plan.ts';
import type { BfdSession, FamilyState, Reset, SessionState } from '../session.ts';
import type { BirdLine } from './socket.ts';

/** An answer that is not as BIRD writes it. */
export class BirdError extends Error {
  constructor(command: string, found: string, expected: string) {
    super(`${command}: found ${JSON.stringify(found.slice(0, 80))}; expected ${expected}`);
    this.name = 'BirdError';
  }
}

/** A protocol of type BGP. */
export interface BirdSession {
  readonly name: string;
  readonly vrf: string;
  readonly peer: string;
  readonly state: SessionState;
  readonly families: readonly FamilyState[];
  /** As printed: when the state began. */
  readonly since: string;
  readonly reset?: Reset;
  /** Of the last shutdown: what the peer wrote, or what it was disabled with here. */
  readonly message?: string;
}

export interface Protocols {
  readonly sessions: readonly BirdSession[];
  /** Routes that came in through all protocols. */
  readonly routes: number;
}

const STATES: Readonly<Record<string, SessionState>> = {
  Idle: 'idle',
  Connect: 'connect',
  Active: 'active',
  Passive: 'active',
  OpenSent: 'opensent',
  OpenConfirm: 'openconfirm',
  Established: 'established',
  Close: 'idle',
  Down: 'idle',
};

const HEADER = 2002;
const PROTOCOL = 1002;
const DETAILS = 1006;
const DONE = 0;

export interface Block {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly since: string;
  /** Lines below, without blanks around them. */
  readonly lines: string[];
}

/** `show protocols all`: each protocol with its lines. */
export function blocksOf(command: string, answer: readonly BirdLine[]): readonly Block[] {
  const blocks: Block[] = [];
  for (const { code, text } of answer) {
    if (code === PROTOCOL) blocks.push(blockOf(command, text));
    else if (code === DETAILS) blocks.at(-1)?.lines.push(text.trim());
    else if (code !== HEADER && code !== DONE && code !== 1) throw new BirdError(command, text, 'a list of protocols');
  }
  return blocks;
}

/** `show protocols all`. */
export function decodeProtocols(command: string, answer: readonly BirdLine[]): Protocols {
  const blocks = blocksOf(command, answer);
  return {
    sessions: blocks.filter(({ type }) => type === 'BGP').map((block) => sessionOf(command, block)),
    routes: blocks.flatMap(({ lines }) => lines).reduce((sum, line) => sum + (routesOf(line)?.imported ?? 0), 0),
  };
}

/** `up_e1 BGP --- up 04:15:29.095 Established`; a time may have a date before it. */
function blockOf(command: string, text: string): Block {
  const m = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\d[\d-]*(?: [\d:.]+)?|[\d:.]+)(?:\s|$)/.exec(text);
  if (m === null) throw new BirdError(command, text, 'name, type, table, state, time');
  return { name: m[1]!, type: m[2]!, state: m[4]!, since: m[5]!, lines: [] };
}

/** `Routes: 1 imported, 0 filtered, 4 exported, 0 preferred`. */
function routesOf(line: string): { readonly imported: number; readonly exported: number } | undefined {
  if (!line.startsWith('Routes:')) return undefined;
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { imported: number('imported'), exported: number('exported') };
}

const LIMIT = /limit/i;

function sessionOf(command: string, { name, state: protocol, since, lines }: Block): BirdSession {
  const value = (key: string) =>
    lines
      .find((line) => line.startsWith(`${key}:`))
      ?.slice(key.length + 1)
      .trim();
  const peer = value('Neighbor address');
  const shown = value('BGP state') ?? '';
  const state = STATES[shown];
  // A template with a range has no neighbour of its own; its sessions are protocols themselves.
  if (peer === undefined && value('Neighbor range') === undefined) throw new BirdError(command, name, 'a neighbour');
  if (state === undefined) throw new BirdError(command, `${name}: ${shown}`, 'a state of BGP');
  const error = value('Last error');
  const message = value('Message');
  const down = error !== undefined && LIMIT.test(error) ? 'prefix_limit' : 'admin_down';
  return {
    name,
    vrf: value('VRF') ?? 'default',
    peer: peer ?? value('Neighbor range')!,
    state: protocol === 'down' ? down : state,
    families: familiesOf(lines),
    since,
    ...(message === undefined ? {} : { message }),
    ...(error === undefined ? {} : { reset: { code: '', reason: message ?? error } }),
  };
}

const FAMILIES: readonly string[] = ['ipv4', 'ipv6'] satisfies readonly AddressFamily[];

function familiesOf(lines: readonly string[]): readonly FamilyState[] {
  const families: FamilyState[] = [];
  for (const [i, line] of lines.entries()) {
    const family = /^Channel (\S+)$/.exec(line)?.[1];
    if (family === undefined || !FAMILIES.includes(family)) continue;
    const next = lines.findIndex((one, k) => k > i && one.startsWith('Channel '));
    const mine = lines.slice(i + 1, next < 0 ? undefined : next);
    const routes = mine.map(routesOf).find((found) => found !== undefined);
    families.push({
      family: family as AddressFamily,
      up: mine.some((one) => /^State:\s+UP$/.test(one)),
      received: routes?.imported ?? 0,
      announced: routes?.exported ?? 0,
    });
  }
  return families;
}

const BFD = 1020;

/** `show bfd sessions`: of every BFD protocol; without any, BIRD answers with an error. */
export function decodeBfdSessions(answer: readonly BirdLine[]): readonly BfdSession[] {
  return answer
    .filter(({ code }) => code === BFD)
    .flatMap(({ text }) => {
      const [peer = '', device = '', state = ''] = text.split(/\s+/);
      if (!/^[0-9a-f.:]+(?:%\S+)?$/i.test(peer) || state === '') return [];
      return [{ vrf: 'default', peer, ...(device === '---' ? {} : { device }), state: state.toLowerCase(), up: state === 'Up' }];
    });
}

const ROUTES = 1007;
const NOT_THERE = 8001;
const NOT_UNDERSTOOD = 9000;

/** `show route … export NAME`: prefixes. Not there, not exported and a session that is down are answered with errors. */
export function decodeRoutes(command: string, answer: readonly BirdLine[]): readonly string[] {
  const bad = answer.find(({ code, text }) => code >= NOT_UNDERSTOOD && text !== 'No valid tables');
  if (bad !== undefined) throw new BirdError(command, bad.text, 'routes');
  if (answer.some(({ code }) => code === NOT_THERE)) return [];
  return answer.filter(({ code }) => code === ROUTES).flatMap(({ text }) => /^(?!Table )(\S+\/\d+)\s/.exec(text)?.[1] ?? []);
}

const STATUS = 1011;

/** `show status`: the daemon's clock, `2026-11-28 04:15:30.579`; undefined when it is not printed so. */
export function decodeClock(answer: readonly BirdLine[]): string | undefined {
  const line = answer.find(({ code, text }) => code === STATUS && text.startsWith('Current server time is '));
  return /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?/.exec(line?.text ?? '')?.[0];
}

const DAY = 86_400;

/**
 * Seconds between two times as BIRD prints them: `since` is a date and time, a time of the last day, or a date alone, which gives
 * whole days. undefined: not printed so.
 */
export function secondsSince(since: string, clock: string): number | undefined {
  const now = Date.parse(`${clock.replace(' ', 'T')}Z`);
  if (/^\d\d:/.test(since)) {
    const then = Date.parse(`${clock.slice(0, 10)}T${since}Z`);
    return Number.isNaN(then) ? undefined : ((now - then) / 1000 + DAY) % DAY;
  }
  const then = Date.parse(`${since.replace(' ', 'T')}Z`.replace(/^(\d{4}-\d\d-\d\d)Z$/, '$1T23:59:59Z'));
  return Number.isNaN(then) ? undefined : Math.max(0, (now - then) / 1000);
}
