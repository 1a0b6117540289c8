/** Each checker of keepalived as a check of fourlane. A new one is a function here and a line in `CHECKERS`. */
import type { Checker } from '../config/lvs.ts';
import { flagIn, has, numberIn, wordIn } from '../config/values.ts';
import { commandOf, programOf, type Tracker } from '../config/vrrp.ts';
import { type Block, type Statement, statementOf, statementsOf } from '../read/tree.ts';
import type { Note } from './left.ts';
import { connectionTiming, type Profile, scriptTiming, type WantedTiming } from './timing.ts';

/** What a checker is translated with. */
export interface Around {
  /** Blocks that a virtualhost may stand in, from the inside to the outside: real server, virtual server. */
  readonly outer: readonly Block[];
  /** Definitions of track_file, by name. */
  readonly files: ReadonlyMap<string, Tracker>;
  readonly timing: WantedTiming;
  readonly scripts: ScriptAccount;
  /** Where the states of BFD sessions are read; undefined: nowhere. */
  readonly bfd: object | undefined;
  readonly note: Note;
}

/** User and group of scripts that name none, as far as they are known. */
export type ScriptAccount = readonly string[];

type Translate = (checker: Checker, around: Around) => Profile | undefined;

/** Where the checks of a connection go, where that is not the real server. */
function target({ block }: Checker, { note }: Around): object {
  const ip = wordIn(block, 'connect_ip')?.text;
  const port = numberIn(block, 'connect_port');
  const mark = numberIn(block, 'fwmark');
  for (const name of ['bindto', 'bind_if', 'bind_port']) {
    const statement = statementOf(block, name);
    if (statement) note(statement.keyword, `${name}: every NIC of fourlane checks from its own interface and address`);
  }
  return {
    ...(ip === undefined ? {} : { connectIp: ip }),
    ...(port === undefined ? {} : { connectPort: port }),
    ...(mark === undefined || mark === 0 ? {} : { mark }),
  };
}

const connection =
  (make: (checker: Checker, around: Around) => Profile | undefined): Translate =>
  (checker, around) => {
    const own = make(checker, around);
    return own && { ...own, ...target(checker, around), ...connectionTiming(checker.timing, around.timing) };
  };

/** The words after a keyword that may stand several times, all together. */
const wordsOf = (block: Block | undefined, name: string) =>
  statementsOf(block, name).flatMap((statement) => statement.args.map((word) => word.text));

/** Options of PCRE2 that fourlane has too. */
const FLAGS: Readonly<Record<string, string>> = { caseless: 'caseless', dotall: 'dotall' };

function pattern(url: Block, note: Note): object {
  const statement = statementOf(url, 'regex');
  const words = statement && commandOf(statement);
  if (words === undefined || words.length === 0) return {};
  const options = wordsOf(url, 'regex_options');
  const unknown = options.find((option) => FLAGS[option] === undefined);
  if (unknown !== undefined) {
    note(
      statementOf(url, 'regex_options')!.keyword,
      `regex_options ${unknown}: fourlane's expressions have no such option; the regex is left out`,
    );
    return {};
  }
  const from = numberIn(url, 'regex_min_offset');
  const to = numberIn(url, 'regex_max_offset');
  return {
    matches: words.join(' '),
    ...(options.length === 0 ? {} : { matchFlags: options.map((option) => FLAGS[option]) }),
    ...(has(url, 'regex_no_match') ? { noMatch: true } : {}),
    ...(from === undefined ? {} : { matchFrom: from }),
    ...(to === undefined || to === 0 ? {} : { matchTo: to }),
  };
}

function hostIn(blocks: readonly (Block | undefined)[]): string | undefined {
  for (const block of blocks) {
    const host = wordIn(block, 'virtualhost')?.text;
    if (host !== undefined) return host;
  }
  return undefined;
}

function page(url: Block, around: Readonly<{ blocks: readonly (Block | undefined)[]; note: Note }>): object {
  const status = wordsOf(url, 'status_code');
  const digest = wordIn(url, 'digest')?.text;
  const host = hostIn([url, ...around.blocks]);
  return {
    path: wordIn(url, 'path')!.text,
    ...(status.length === 0 ? {} : { status: status.join(',') }),
    ...(digest === undefined ? {} : { digest }),
    ...(host === undefined ? {} : { host }),
    ...pattern(url, around.note),
  };
}

function web(checker: Checker, { outer, note }: Around): Profile | undefined {
  const { block } = checker;
  const urls = statementsOf(block, 'url');
  const blocks = [block, ...outer];
  const pages = urls.flatMap(({ block: url, keyword }) => {
    if (url !== undefined && wordIn(url, 'path') !== undefined) return [page(url, { blocks, note })];
    note(keyword, 'url without a path: keepalived drops it too');
    return [];
  });
  if (pages.length === 0) {
    note(checker.statement.keyword, `${checker.kind} without a url: there is nothing to ask for`);
    return undefined;
  }
  const version = wordIn(block, 'http_protocol')?.text ?? '1.0';
  const common = { type: 'http', protocol: version.replace('c', 'C') };
  return pages.length === 1 ? { ...common, ...pages[0] } : { ...common, urls: pages };
}

function tlsWeb(checker: Checker, around: Around): Profile | undefined {
  const plain = web(checker, around);
  if (plain === undefined) return undefined;
  const named = flagIn(checker.block, 'enable_sni') === true;
  const host = plain['host'] ?? hostIn([checker.block, ...around.outer]);
  return { ...plain, type: 'ssl', sni: named && typeof host === 'string' ? host : false };
}

function dns({ block }: Checker): Profile {
  const query = wordIn(block, 'type')?.text.toUpperCase();
  const name = wordIn(block, 'name')?.text;
  return { type: 'dns', ...(query === undefined ? {} : { query }), ...(name === undefined ? {} : { name }) };
}

function udp({ block }: Checker): Profile {
  const payload = wordsOf(block, 'payload').join('');
  const reply = wordsOf(block, 'require_reply').join('');
  const required = has(block, 'require_reply');
  return {
    type: 'udp',
    requireReply: required,
    ...(payload === '' ? {} : { payloadHex: payload }),
    ...(reply === '' ? {} : { replyHex: reply }),
    ...(required
      ? { minReply: numberIn(block, 'min_reply_length') ?? 0, maxReply: numberIn(block, 'max_reply_length') ?? 255 }
      : {}),
  };
}

function smtp({ block }: Checker, { note }: Around): Profile {
  const host = statementOf(block, 'host');
  if (host) note(host.keyword, 'host: write a SMTP_CHECK for each host; the real server itself is asked');
  return { type: 'smtp', helo: wordIn(block, 'helo_name')?.text ?? 'smtpchecker.keepalived.org' };
}

function script(checker: Checker, { note, timing, scripts }: Around): Profile | undefined {
  const { block, statement } = checker;
  const path = statementOf(block, 'misc_path');
  const command = path && programOf(path);
  if (command === undefined || command.length === 0) {
    note(statement.keyword, 'MISC_CHECK without a misc_path: there is nothing to run');
    return undefined;
  }
  const own = statementOf(block, 'user')?.args.map(({ text }) => text);
  const [user, group] = own ?? scripts;
  return {
    type: 'exec',
    command,
    ...(has(block, 'misc_dynamic') ? { dynamic: true } : {}),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...scriptTiming(checker.timing, numberIn(block, 'misc_timeout'), timing),
  };
}

function file({ block, statement }: Checker, { files, note, timing }: Around): Profile | undefined {
  const name = wordIn(block, 'track_file')?.text ?? '';
  const tracker = files.get(name);
  const path = wordIn(tracker?.block, 'file')?.text;
  if (path === undefined) {
    note(statement.keyword, `FILE_CHECK: no track_file ${name} with a file is defined`);
    return undefined;
  }
  const own: Statement | undefined = statementOf(block, 'weight');
  const weight = numberIn(block, 'weight') ?? tracker?.weight ?? 1;
  const reverse = own?.args[1]?.text === 'reverse';
  return { type: 'file', path, ...(weight === 0 ? {} : { weight }), ...(reverse ? { reverse } : {}), ...timing };
}

/** By the keyword of keepalived.conf. */
export const CHECKERS: Readonly<Record<string, Translate>> = {
  TCP_CHECK: connection(() => ({ type: 'tcp' })),
  HTTP_GET: connection(web),
  SSL_GET: connection(tlsWeb),
  SMTP_CHECK: connection(smtp),
  DNS_CHECK: connection(dns),
  UDP_CHECK: connection(udp),
  PING_CHECK: connection(() => ({ type: 'ping' })),
  MISC_CHECK: script,
  FILE_CHECK: file,
  BFD_CHECK: ({ block, statement }, { bfd, note, timing }) => {
    const session = wordIn(block, 'name')?.text;
    if (session !== undefined && bfd !== undefined) return { type: 'bfd', session, ...bfd, ...timing };
    const why = session === undefined ? 'it names no session' : 'write where its state is read (import.keepalived.bfd)';
    note(statement.keyword, `BFD_CHECK: ${why}; other checks of the real server hold`);
    return undefined;
  },
};

/** Kinds of checks that need no port. */
export const PORTLESS: ReadonlySet<string> = new Set(['ping', 'exec', 'file', 'bfd']);
