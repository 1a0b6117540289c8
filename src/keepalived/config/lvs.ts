/** What virtual servers, their groups, real servers and checkers mean, each with what it has from the one around it. */
import type { Word } from '../read/source.ts';
import { type Block, type Statement, statementOf, statementsOf } from '../read/tree.ts';
import { flagIn, has, inherited, ipOf, numberIn, numberOrDefault, wordIn } from './values.ts';

/**
 * What names a virtual server. `family`: inet or inet6, as a group writes it. `unclear`: it is not valid, or a variable is not
 * known.
 */
export type Key =
  | { readonly kind: 'address'; readonly ip: string; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family?: string }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'unclear' };

export type Method = 'NAT' | 'DR' | 'TUN';

/** Times in s. */
export interface Timing {
  readonly delayLoop: number;
  readonly connectTimeout: number;
  /** Further tries while it is up. */
  readonly retry: number;
  readonly delayBeforeRetry: number;
  readonly warmup: number;
  /** Down until the first check has succeeded. */
  readonly alpha: boolean;
}

export interface Checker {
  /** `TCP_CHECK` and so on. */
  readonly kind: string;
  readonly statement: Statement;
  readonly block: Block | undefined;
  readonly timing: Timing;
}

export interface RealServer {
  readonly statement: Statement;
  readonly block: Block;
  /** undefined when it is not valid or not known. */
  readonly ip: string | undefined;
  /** As written; 0 when it is not. */
  readonly port: number;
  readonly weight: number;
  readonly method: Method;
  readonly inhibitOnFailure: boolean;
  readonly checkers: readonly Checker[];
}

export interface VirtualServer {
  readonly statement: Statement;
  readonly block: Block;
  readonly key: Key;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | undefined;
  readonly scheduler: string | undefined;
  /** undefined when none is written: NAT then. */
  readonly method: Method | undefined;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly isPersistent: boolean;
  readonly sorry: { readonly statement: Statement; readonly ip: string | undefined; readonly port: number } | undefined;
  readonly realServers: readonly RealServer[];
}

export interface ServerGroup {
  readonly statement: Statement;
  readonly name: string;
  readonly entries: readonly GroupEntry[];
}

/** A line of a group; `to`: the last address of a range. */
export type GroupEntry = { readonly at: Statement } & (
  | { readonly kind: 'addresses'; readonly ip: string; readonly to: string; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family?: string }
  | { readonly kind: 'unclear' }
);

/** `192.0.2.10 80`, `fwmark 7`, `group web`: as keepalived reads it, so that a range is its first address. */
export function keyOf([first, second]: readonly (Word | undefined)[]): Key {
  if (first === undefined || first.unclear || second?.unclear === true) return { kind: 'unclear' };
  if (first.text === 'group') return second === undefined ? { kind: 'unclear' } : { kind: 'group', name: second.text };
  if (first.text === 'fwmark') {
    const mark = Number(second?.text);
    return /^\d+$/.test(second?.text ?? '') && mark <= 0xff_ff_ff_ff ? { kind: 'fwmark', mark } : { kind: 'unclear' };
  }
  const ip = ipOf(first.text.replace(/[-/].*$/, ''));
  const port = portOf(second);
  return ip === undefined || port === undefined ? { kind: 'unclear' } : { kind: 'address', ip, port };
}

/** 0 when there is none; undefined when it is not valid. */
function portOf(word: Word | undefined): number | undefined {
  if (word === undefined) return 0;
  const port = /^\d{1,6}$/.test(word.text) ? Number(word.text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

export function virtualServerOf(statement: Statement): VirtualServer {
  const block = statement.block ?? { kind: 'virtual_server', owner: statement, statements: [] };
  const method = methodIn(block);
  const sorry = statementOf(block, 'sorry_server');
  return {
    statement,
    block,
    key: keyOf(statement.args),
    protocol: wordIn(block, 'protocol')?.text.toUpperCase() as VirtualServer['protocol'],
    scheduler: lastWord(block, ['lb_algo', 'lvs_sched']),
    method,
    quorum: numberOrDefault(block, 'quorum'),
    hysteresis: numberOrDefault(block, 'hysteresis'),
    isPersistent: has(block, 'persistence_timeout') || has(block, 'persistence_granularity'),
    sorry: sorry === undefined ? undefined : { statement: sorry, ...serverOf(sorry) },
    realServers: statementsOf(block, 'real_server').map((rs) => realServerOf(rs, block, method ?? 'NAT')),
  };
}

function serverOf({ args: [address, port] }: Statement): { ip: string | undefined; port: number } {
  return { ip: address === undefined || address.unclear ? undefined : ipOf(address.text), port: portOf(port) ?? 0 };
}

function lastWord(block: Block, names: readonly string[]): string | undefined {
  for (const name of names) {
    const word = wordIn(block, name)?.text;
    if (word !== undefined) return word;
  }
  return undefined;
}

function methodIn(block: Block): Method | undefined {
  return lastWord(block, ['lb_kind', 'lvs_method']) as Method | undefined;
}

function realServerOf(statement: Statement, outer: Block, method: Method): RealServer {
  const block = statement.block ?? { kind: 'real_server', owner: statement, statements: [] };
  return {
    statement,
    block,
    ...serverOf(statement),
    weight: numberIn(block, 'weight') ?? numberOrDefault(outer, 'weight'),
    method: methodIn(block) ?? method,
    inhibitOnFailure: flagIn(block, 'inhibit_on_failure') ?? has(outer, 'inhibit_on_failure'),
    checkers: block.statements
      .filter((inner) => inner.spec?.block !== undefined)
      .map((inner) => ({ kind: inner.name, statement: inner, block: inner.block, timing: timingOf(inner, block, outer) })),
  };
}

/** Tries of checkers that have a default of their own (alloc_… of check_*.c); the others try once again. */
const RETRIES: Readonly<Record<string, number>> = { DNS_CHECK: 3, MISC_CHECK: 0 };
/** Seconds before the next try, where that is not the delay of the loop or 1 s. */
const DELAYS: Readonly<Record<string, number>> = { HTTP_GET: 3, SSL_GET: 3 };

/** Times of a checker: its own, else of its real server, else of its virtual server, else of its kind. */
export function timingOf(
  { name, block }: { readonly name: string; readonly block?: Block | undefined },
  real: Block,
  virtual: Block,
): Timing {
  const all = [block, real, virtual];
  const delayLoop = inherited(all, 'delay_loop') ?? numberOrDefault(virtual, 'delay_loop');
  return {
    delayLoop,
    connectTimeout: inherited(all, 'connect_timeout') ?? numberOrDefault(virtual, 'connect_timeout'),
    retry: inherited(all, 'retry') ?? RETRIES[name] ?? 1,
    delayBeforeRetry: inherited(all, 'delay_before_retry') ?? DELAYS[name] ?? (name === 'DNS_CHECK' ? delayLoop : 1),
    warmup: inherited(all, 'warmup') ?? delayLoop,
    alpha: flagIn(block, 'alpha') ?? flagIn(real, 'alpha') ?? has(virtual, 'alpha'),
  };
}

export function serverGroupOf(statement: Statement): ServerGroup {
  const entries = (statement.block?.statements ?? []).map((row): GroupEntry => {
    const range = row.keyword.unclear ? undefined : rangeOf(row.keyword.text);
    const port = portOf(row.args[0]);
    if (range !== undefined && port !== undefined && row.args[0]?.unclear !== true)
      return { kind: 'addresses', ...range, port, at: row };
    const key = keyOf([row.keyword, ...row.args]);
    if (key.kind !== 'fwmark') return { kind: 'unclear', at: row };
    const family = row.args[1]?.text;
    return { kind: 'fwmark', mark: key.mark, ...(family === undefined ? {} : { family }), at: row };
  });
  return { statement, name: statement.args[0]?.text ?? '', entries };
}

/** `a`, `a-b` with a whole address or its last part, and `a/len` for IPv4; undefined when it is none of them. */
function rangeOf(text: string): { ip: string; to: string } | undefined {
  const [first = '', last] = text.split('-', 2);
  if (first.includes('/')) return networkOf(first);
  const ip = ipOf(first);
  if (ip === undefined || last === undefined) return ip === undefined ? undefined : { ip, to: ip };
  const to = ipOf(last) ?? ipOf(first.replace(/[^.:]*$/, last));
  return to === undefined ? undefined : { ip, to };
}

function networkOf(text: string): { ip: string; to: string } | undefined {
  const [address = '', bits] = text.split('/', 2);
  const ip = ipOf(address);
  const length = Number(bits);
  if (ip === undefined || !(length >= 1 && length <= 128)) return undefined;
  if (ip.includes(':') || length > 32) return { ip, to: text };
  const number = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const end = number + 2 ** (32 - length) - 1;
  return { ip, to: [24, 16, 8, 0].map((shift) => Math.floor(end / 2 ** shift) % 256).join('.') };
}
