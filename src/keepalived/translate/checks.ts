/** What keepalived's checkers are among fourlane's checks, as a configuration writes them. Pure. */
import type { Checker } from '../config/lvs.ts';
import { flagIn, has, ipOf, numberIn, numberOrDefault, wordIn } from '../config/values.ts';
import { commandOf, type Tracker } from '../config/vrrp.ts';
import { commandWords } from '../read/source.ts';
import { type Block, type Statement, statementOf, statementsOf } from '../read/tree.ts';

export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };
type Values = Readonly<Record<string, Value>>;
/** A check profile: `type` and that kind's keys. */
export type Profile = Values & { readonly type: string };

export interface Translated {
  /** undefined: fourlane has no such check, or not as it is meant here. */
  readonly profile: Profile | undefined;
  /** What is not taken over, in words. */
  readonly lost: readonly string[];
}

/** What a checker is for. */
export interface Checked {
  readonly ip: string;
  /** 0: none. */
  readonly port: number;
  /** Definitions of the file that it may name. */
  readonly trackers: readonly Tracker[];
}

type Own = Omit<Translated, 'lost'> & { readonly lost?: readonly string[] };

/** Kinds of checkers; each is one entry. */
const KINDS: Readonly<Record<string, (checker: Checker, checked: Checked) => Own>> = {
  TCP_CHECK: () => ({ profile: { type: 'tcp' } }),
  PING_CHECK: () => ({ profile: { type: 'ping' } }),
  HTTP_GET: (checker) => web('http', checker),
  SSL_GET: (checker) => web('ssl', checker),
  SMTP_CHECK: ({ block }) => ({
    profile: { type: 'smtp', helo: wordIn(block, 'helo_name')?.text ?? 'smtpchecker.keepalived.org' },
    lost: has(block, 'host') ? ['host'] : [],
  }),
  DNS_CHECK: ({ block }) => ({
    profile: { type: 'dns', query: wordIn(block, 'type')?.text.toUpperCase() ?? 'SOA', name: wordIn(block, 'name')?.text ?? '.' },
  }),
  UDP_CHECK: ({ block }) => ({ profile: udp(block) }),
  MISC_CHECK: misc,
  FILE_CHECK: file,
};

/** The connection options that say what it is bound to: fourlane binds every check to a NIC. */
const BOUND = ['bindto', 'bind_if', 'bind_port', 'fwmark'];

/** The check that a checker is. */
export function translated(checker: Checker, checked: Checked): Translated {
  const { kind, block } = checker;
  const make = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (make === undefined) return { profile: undefined, lost: [`${kind}: fourlane has no such check`] };
  const elsewhere = elsewhereOf(block, checked);
  if (elsewhere !== undefined) return { profile: undefined, lost: [`${kind}: it asks ${elsewhere}, not the real server itself`] };
  const { profile, lost = [] } = make(checker, checked);
  if (profile === undefined) return { profile, lost: lost.map((each) => `${kind}: ${each}`) };
  const bound = BOUND.filter((name) => has(block, name));
  return { profile: { ...profile, ...timesOf(checker) }, lost: [...lost, ...bound].map((each) => `${each} of ${kind}`) };
}

/** The port that a checker names; 0: none. */
export function connectPort({ block }: Checker): number {
  return numberIn(block, 'connect_port') ?? 0;
}

function elsewhereOf(block: Block | undefined, { ip, port }: Checked): string | undefined {
  const otherIp = ipOf(wordIn(block, 'connect_ip')?.text ?? '');
  if (otherIp !== undefined && otherIp !== ip) return otherIp;
  const otherPort = numberIn(block, 'connect_port');
  return otherPort === undefined || otherPort === port ? undefined : `port ${otherPort}`;
}

/** Bounds of a profile, ms: src/config/profiles.ts. */
const SHORTEST = { interval: 1000, timeout: 10 };
const LONGEST = 3_600_000;
const MOST_FALL = 10;

/**
 * As patient as keepalived and no slower than it needs to be: the timeout is keepalived's, the next check follows after a second
 * or that time, and one failure more than it retries is none. Of a file nothing is waited for.
 */
function timesOf({ kind, timing, block }: Checker): Values {
  const { delayLoop, connectTimeout, retry } = timing;
  if (kind === 'FILE_CHECK') return {};
  const isScript = kind === 'MISC_CHECK';
  const limit = isScript ? numberIn(block, 'misc_timeout') || delayLoop : connectTimeout;
  const timeout = Math.min(LONGEST, Math.max(SHORTEST.timeout, Math.round(limit * 1000)));
  // A script is not run more often than its author expects.
  const interval = Math.min(LONGEST, Math.max(SHORTEST.interval, timeout, isScript ? Math.round(delayLoop * 1000) : 0));
  return { interval: duration(interval), timeout: duration(timeout), fall: Math.min(MOST_FALL, Math.max(2, retry + 1)) };
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function web(type: 'http' | 'ssl', { block }: Checker): Own {
  const urls = statementsOf(block, 'url').flatMap(({ block: url }) => pageOf(url));
  const [first, ...more] = urls;
  if (first === undefined) return { profile: undefined, lost: ['it has no url with a path'] };
  const host = wordIn(block, 'virtualhost')?.text;
  const common = {
    type,
    protocol: wordIn(block, 'http_protocol')?.text.toUpperCase() ?? '1.0',
    ...(host === undefined ? {} : { host }),
    ...(type === 'ssl' && flagIn(block, 'enable_sni') !== true ? { sni: false } : {}),
  };
  return { profile: more.length === 0 ? { ...common, ...first } : { ...common, urls } };
}

function pageOf(url: Block | undefined): Values[] {
  const path = wordIn(url, 'path')?.text;
  if (path === undefined) return [];
  const matches = first(statementOf(url, 'regex'));
  const flags = (statementOf(url, 'regex_options')?.args ?? []).map(({ text }) => text.toLowerCase());
  const known = flags.filter((flag) => flag === 'caseless' || flag === 'dotall');
  const written = {
    path,
    host: wordIn(url, 'virtualhost')?.text,
    status: statusOf(statementsOf(url, 'status_code')),
    digest: wordIn(url, 'digest')?.text.toLowerCase(),
    matches,
    ...(matches === undefined
      ? {}
      : {
          matchFlags: known.length === 0 ? undefined : known,
          noMatch: has(url, 'regex_no_match') ? true : undefined,
          matchFrom: numberIn(url, 'regex_min_offset'),
          matchTo: numberIn(url, 'regex_max_offset'),
        }),
  };
  return [defined(written)];
}

function statusOf(statements: readonly Statement[]): string | undefined {
  const ranges = statements.flatMap(({ args }) => args.map(({ text }) => text));
  return ranges.length === 0 ? undefined : ranges.join(',');
}

function udp(block: Block | undefined): Profile {
  const reply = statementOf(block, 'require_reply');
  const pattern = hexOf(reply);
  return defined({
    type: 'udp',
    payloadHex: hexOf(statementOf(block, 'payload')),
    requireReply: reply !== undefined,
    replyHex: pattern,
    minReply: reply === undefined ? undefined : numberOrDefault(block!, 'min_reply_length'),
    maxReply: reply === undefined ? undefined : numberOrDefault(block!, 'max_reply_length'),
  });
}

function hexOf(statement: Statement | undefined): string | undefined {
  const text = statement?.args.map((word) => word.text).join('') ?? '';
  return text === '' ? undefined : text.toLowerCase();
}

function misc({ block }: Checker): Own {
  const command = programOf(statementOf(block, 'misc_path'));
  if (command === undefined) return { profile: undefined, lost: ['it has no misc_path'] };
  const [user, group] = statementOf(block, 'user')?.args.map(({ text }) => text) ?? [];
  const dynamic = has(block, 'misc_dynamic') ? true : undefined;
  return { profile: defined({ type: 'exec', command, dynamic, user, group }) };
}

/** Program and arguments: a command in one pair of quotes is parted once more (set_script_params_array of notify.c). */
function programOf(statement: Statement | undefined): string[] | undefined {
  const words = statement === undefined ? [] : (commandOf(statement) ?? []);
  const parted = words.length === 1 ? commandWords(words[0]!) : words;
  return parted === undefined || parted.length === 0 ? undefined : parted;
}

/** The weight 0, which is the default, is for a file that says good or bad. */
function file({ block }: Checker, { trackers }: Checked): Own {
  const name = wordIn(block, 'track_file')?.text;
  const tracker = trackers.find((each) => each.kind === 'file' && each.name === name);
  const path = first(statementOf(tracker?.block, 'file'));
  if (tracker === undefined || path === undefined) return { profile: undefined, lost: [`there is no track_file ${name ?? ''}`] };
  const weight = statementOf(block, 'weight');
  const factor = numberIn(block, 'weight') ?? tracker.weight;
  const reverse = weight?.args.some(({ text }) => text === 'reverse') === true ? true : undefined;
  return { profile: defined({ type: 'file', path, weight: factor === 0 ? undefined : factor, reverse }) };
}

/** The first word of a value that may be quoted. */
function first(statement: Statement | undefined): string | undefined {
  return statement === undefined ? undefined : commandOf(statement)?.[0];
}

function defined<V extends Readonly<Record<string, Value | undefined>>>(values: V) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values & Pick<V, 'type'>;
}
