/**
 * A copy of what `read.ts` and `explain.ts` read of a state, for a thread that answers questions about it. The columns lie one
 * behind the other, each at a multiple of eight bytes, in the order of COLUMNS and then those of the wanted state:
 *
 *     | cells.linkNow | cells.serviceNow | … | scan.serviceGood | wanted.nicEnabled | wanted.panic | weight 0 … | path 0 … |
 *
 * There is no lock: whoever lets a buffer be written does not read it meanwhile.
 */
import type { Topology } from '../model/topology.ts';
import type { AgentVerdict, Wanted } from '../model/verdict.ts';
import { initial } from './initial.ts';
import type { State } from './memory.ts';

type Column = Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array | Float16Array>;
type ColumnNames<T> = { readonly [K in keyof T]: T[K] extends Column ? K : never }[keyof T];

/** What is copied, by part of the state. A test compares what is read of the copy with what is read of the state itself. */
const COLUMNS = {
  cells: [
    'link',
    'linkNow',
    'serviceNow',
    'linkStreak',
    'serviceStreak',
    'outcome',
    'phase',
    'cause',
    'detail',
    'rttUs',
    'elapsedUs',
    't',
    'windowResults',
    'windowLost',
    'path',
    'pathCause',
    'pathAt',
  ],
  anchors: ['outcome', 't'],
  nics: ['verdict', 'cause', 'at', 'carrier'],
  servers: ['verdict', 'cause', 'at'],
  racks: ['down', 'verdict', 'at'],
  scan: [
    'witnesses',
    'failing',
    'latestBad',
    'rowServiceBad',
    'anchorsGood',
    'lossResults',
    'lossLost',
    'othersResults',
    'othersLost',
    'serviceGood',
  ],
} as const satisfies { readonly [P in keyof State]?: readonly ColumnNames<State[P]>[] };
type Part = keyof typeof COLUMNS;
const PARTS = Object.keys(COLUMNS) as Part[];

/** What is copied besides the columns. */
export interface MirrorScalars {
  readonly agent: { readonly verdict: '' | AgentVerdict; readonly at: number };
  readonly scan: { readonly eligible: number; readonly blind: number };
  readonly frozen: Wanted['frozen'];
  /** Time of the last pass. */
  readonly now: number;
  /** Per NIC: a sample every ten seconds or so of the last ten minutes. */
  readonly dataplane: State['nics']['dataplane'];
}

function columnsOf(s: State): Column[] {
  const { nicEnabled, panic, weight, path } = s.wanted;
  const listed = PARTS.flatMap((part) =>
    COLUMNS[part].map((name) => (s[part] as unknown as Readonly<Record<string, Column>>)[name]!),
  );
  return [...listed, nicEnabled, panic, ...weight, ...path];
}

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** Bytes that a copy of this state takes. */
export function mirrorBytes(s: State): number {
  return columnsOf(s).reduce((sum, column) => sum + padded(column.byteLength), 0);
}

/** Copies the state into `buffer`; the rest of it is returned. */
export function writeMirror(s: State, buffer: SharedArrayBuffer): MirrorScalars {
  const all = new Uint8Array(buffer);
  let at = 0;
  for (const column of columnsOf(s)) {
    all.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += padded(column.byteLength);
  }
  const { agent, scan, wanted, clock, nics } = s;
  return {
    agent: { verdict: agent.verdict, at: agent.at },
    scan: { eligible: scan.eligible, blind: scan.blind },
    frozen: wanted.frozen,
    now: clock.now,
    dataplane: nics.dataplane,
  };
}

/**
 * States over buffers that `writeMirror` fills, all of one topology: the same as the state that was copied last, as far as
 * `read.ts` looks. `show` takes what came with a buffer.
 */
export function openMirrors(
  topology: Topology,
  buffers: readonly SharedArrayBuffer[],
): readonly { readonly state: State; show(scalars: MirrorScalars): void }[] {
  const blank = initial(topology, 0);
  return buffers.map((buffer) => {
    const columns = new Map<Column, Column>();
    let at = 0;
    for (const column of columnsOf(blank)) {
      const View = column.constructor as new (buffer: SharedArrayBuffer, at: number, length: number) => Column;
      columns.set(column, new View(buffer, at, column.length));
      at += padded(column.byteLength);
    }
    const copied = <T extends Column>(column: T) => columns.get(column) as T;
    const part = (name: Part) =>
      Object.fromEntries(
        COLUMNS[name].map((column) => [column, copied((blank[name] as unknown as Readonly<Record<string, Column>>)[column]!)]),
      );
    const { nicEnabled, panic, weight, path } = blank.wanted;
    const agent = { ...blank.agent };
    const scan = { ...part('scan'), eligible: 0, blind: 0 };
    const nics = { ...part('nics'), dataplane: blank.nics.dataplane };
    const clock = { ...blank.clock };
    const wanted = {
      nicEnabled: copied(nicEnabled),
      panic: copied(panic),
      weight: weight.map(copied),
      path: path.map(copied),
      frozen: blank.wanted.frozen,
    };
    const state = {
      topology,
      rules: blank.rules,
      cells: part('cells'),
      anchors: { ...part('anchors'), start: blank.anchors.start },
      nics,
      servers: part('servers'),
      racks: { ...part('racks'), names: blank.racks.names, members: blank.racks.members },
      scan,
      agent,
      clock,
      wanted,
    } as unknown as State;
    return {
      state,
      show: (scalars: MirrorScalars) => {
        Object.assign(agent, scalars.agent);
        Object.assign(scan, scalars.scan);
        wanted.frozen = scalars.frozen;
        clock.now = scalars.now;
        nics.dataplane = scalars.dataplane;
      },
    };
  });
}
