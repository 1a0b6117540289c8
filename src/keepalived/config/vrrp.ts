/** What VRRP instances, sync groups, scripts and trackers mean. */
import { type Word, commandWords } from '../read/source.ts';
import { type Block, type Statement, statementOf } from '../read/tree.ts';
import { flagIn, has, ipOf, numberIn, numberOrDefault, type Prefix, prefixOf, rowsIn, wordIn } from './values.ts';

/** A virtual address, in the order written. */
export interface Vip extends Prefix {
  readonly at: Statement;
  readonly device: Word | undefined;
}

export type TrackKind = 'interface' | 'script' | 'file' | 'process' | 'bfd';

/** A line of a `track_…` block. */
export interface Track {
  readonly kind: TrackKind;
  readonly name: Word;
  readonly at: Statement;
  /** As written on the line; undefined when it is what the definition says. */
  readonly weight: number | undefined;
}

export interface Instance {
  readonly statement: Statement;
  readonly block: Block;
  /** '' when it has none. */
  readonly name: string;
  readonly state: 'MASTER' | 'BACKUP' | undefined;
  readonly interface: Word | undefined;
  /** undefined when it is missing, not valid or not known. */
  readonly vrid: number | undefined;
  /** As written. */
  readonly priority: number | undefined;
  /** What it is without a `priority`: 255 with state MASTER, else 100. */
  readonly basePriority: number;
  readonly version: 2 | 3;
  /** s. */
  readonly advertInterval: number;
  readonly isStrict: boolean;
  readonly nopreempt: Statement | undefined;
  readonly vips: readonly Vip[];
  readonly excluded: readonly Vip[];
  readonly peers: readonly Statement[];
  readonly sourceIp: string | undefined;
  readonly authType: string | undefined;
  readonly authPass: Word | undefined;
  readonly tracks: readonly Track[];
  /** Of its addresses; undefined when it has none. */
  readonly family: 4 | 6 | undefined;
}

export interface SyncGroup {
  readonly statement: Statement;
  readonly block: Block | undefined;
  readonly name: string;
  readonly members: readonly Word[];
  readonly tracks: readonly Track[];
}

/** A `vrrp_script`, `track_file`, `vrrp_track_process` or `bfd_instance`: what a track line may name. */
export interface Tracker {
  readonly kind: Exclude<TrackKind, 'interface'>;
  readonly statement: Statement;
  readonly block: Block | undefined;
  readonly name: string;
  /** 0: a failure is a fault; else what it adds to or takes from the priority. */
  readonly weight: number;
}

const TRACKS: Readonly<Record<string, TrackKind>> = {
  track_interface: 'interface',
  track_script: 'script',
  track_file: 'file',
  track_process: 'process',
  track_bfd: 'bfd',
};

const TRACKERS: Readonly<Record<string, { readonly kind: Tracker['kind']; readonly weight: number }>> = {
  vrrp_script: { kind: 'script', weight: 0 },
  track_file: { kind: 'file', weight: 1 },
  vrrp_track_file: { kind: 'file', weight: 1 },
  vrrp_track_process: { kind: 'process', weight: 0 },
  bfd_instance: { kind: 'bfd', weight: 0 },
};

/** The tracker that a statement of the top of the file defines; undefined when it defines none. */
export function trackerOf(statement: Statement): Tracker | undefined {
  const known = Object.hasOwn(TRACKERS, statement.name) ? TRACKERS[statement.name] : undefined;
  if (known === undefined) return undefined;
  const { block } = statement;
  const name = statement.args[0]?.text ?? '';
  return { kind: known.kind, statement, block, name, weight: numberIn(block, 'weight') ?? known.weight };
}

/** @param defaults what global_defs says */
export function instanceOf(statement: Statement, defaults: { readonly strict: boolean; readonly version: 2 | 3 }): Instance {
  const block = statement.block ?? { kind: 'vrrp_instance', owner: statement, statements: [] };
  const vips = vipsIn(block, 'virtual_ipaddress');
  const excluded = vipsIn(block, 'virtual_ipaddress_excluded');
  const peers = rowsIn(block, 'unicast_peer');
  const state = wordIn(block, 'state')?.text as Instance['state'];
  const priority = numberIn(block, 'priority');
  const source = wordIn(block, 'unicast_src_ip') ?? wordIn(block, 'mcast_src_ip');
  const family = (vips[0] ?? excluded[0])?.family ?? (has(block, 'native_ipv6') ? 6 : undefined);
  const authentication = statementOf(block, 'authentication')?.block;
  const version = numberIn(block, 'version') === 3 || family === 6 ? 3 : numberIn(block, 'version') === 2 ? 2 : defaults.version;
  const strict = flagIn(block, 'strict_mode');
  return {
    statement,
    block,
    name: statement.args[0]?.text ?? '',
    state,
    interface: wordIn(block, 'interface'),
    vrid: numberIn(block, 'virtual_router_id'),
    priority,
    basePriority: priority ?? (state === 'MASTER' ? 255 : 100),
    version,
    advertInterval: numberOrDefault(block, 'advert_int'),
    isStrict: strict ?? defaults.strict,
    nopreempt: statementOf(block, 'nopreempt'),
    vips,
    excluded,
    peers,
    sourceIp: source === undefined ? undefined : ipOf(source.text),
    authType: wordIn(authentication, 'auth_type')?.text,
    authPass: statementOf(authentication, 'auth_pass')?.args[0],
    tracks: tracksIn(block),
    family,
  };
}

export function groupOf(statement: Statement): SyncGroup {
  const { block } = statement;
  const members = rowsIn(block, 'group').flatMap((row) => [row.keyword, ...row.args]);
  return { statement, block, name: statement.args[0]?.text ?? '', members, tracks: tracksIn(block) };
}

function vipsIn(block: Block, name: string): Vip[] {
  return rowsIn(block, name).flatMap((row) => {
    const prefix = row.keyword.unclear ? undefined : prefixOf(row.keyword.text);
    if (prefix === undefined) return [];
    const device = row.args[row.args.findIndex((word) => word.text === 'dev') + 1];
    return [{ ...prefix, at: row, device: row.args.some((word) => word.text === 'dev') ? device : undefined }];
  });
}

function tracksIn(block: Block | undefined): Track[] {
  return Object.entries(TRACKS).flatMap(([keyword, kind]) =>
    rowsIn(block, keyword).map((row) => {
      const weight = row.args[0]?.text === 'weight' ? Number(row.args[1]?.text) : Number.NaN;
      return { kind, name: row.keyword, at: row, weight: Number.isInteger(weight) ? weight : undefined };
    }),
  );
}

/** The words of a command that a statement holds, as the second tokeniser parts them; undefined when it does not end. */
export function commandOf({ line, keyword }: Statement): string[] | undefined {
  const { text } = line;
  const at = text.indexOf(keyword.text);
  return commandWords(text.slice(at + keyword.text.length));
}

/** The program that a statement runs, with its arguments: a command in one pair of quotes is parted once more (notify.c). */
export function programOf(statement: Statement): string[] | undefined {
  const words = commandOf(statement);
  return words?.length === 1 ? commandWords(words[0]!) : words;
}
