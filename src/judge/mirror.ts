/**
 * A copy of what `read.ts` and `explain.ts` read of a state, for a thread that answers questions about it. The columns lie one
 * behind the other, each at a multiple of eight bytes, in the order of COLUMNS and then those of the wanted state:
 *
 *     | cells.linkNow | cells.serviceNow | … | scan.serviceGood | wanted.nicEnabled | wanted.panic | weight 0 … | path 0 … |
 *
 * There is no lock: whoever lets a buffer be written does not read it meanwhile.
 */
import type { Rules } from '../model/rules.ts';
import type { Topology } from '../model/topology.ts';
import type { AgentVerdict, Wanted } from '../model/verdict.ts';
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
  nics: ['verdict', 'cause', 'at', 'carrier', 'portLink', 'kernelLink', 'suspectT', 'bgpSession', 'bfd', 'bfdEver', 'routingT'],
  servers: ['verdict', 'cause', 'at', 'weightBy', 'weightValue'],
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

/** Where a column lies: bytes from the buffer's beginning, elements, and which kind of array it is. */
interface Place {
  readonly at: number;
  readonly length: number;
  readonly kind: number;
}

/** What does not change as long as the topology is the same. */
export interface MirrorShape {
  readonly bytes: number;
  readonly places: readonly Place[];
  /** Per service. */
  readonly services: number;
  readonly rules: Rules;
  readonly anchorsStart: Int32Array;
  readonly racks: Pick<State['racks'], 'names' | 'members'>;
}

/** What is copied besides the columns. */
export interface MirrorScalars {
  readonly agent: { readonly verdict: '' | AgentVerdict; readonly at: number };
  readonly scan: Pick<State['scan'], 'eligible' | 'blind' | 'missed'>;
  readonly frozen: Wanted['frozen'];
  /** Time of the last pass. */
  readonly now: number;
  /** Per NIC: a sample every ten seconds or so of the last ten minutes. */
  readonly dataplane: State['nics']['dataplane'];
  readonly fleet: State['fleet'];
}

const KINDS = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array] as const;

function columnsOf(s: State): Column[] {
  const { nicEnabled, panic, weight, path } = s.wanted;
  const listed = PARTS.flatMap((part) =>
    COLUMNS[part].map((name) => (s[part] as unknown as Readonly<Record<string, Column>>)[name]!),
  );
  return [...listed, nicEnabled, panic, ...weight, ...path];
}

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** The shape of copies of this state, as a value that can be sent to another thread. */
export function mirrorShape(s: State): MirrorShape {
  let bytes = 0;
  const places = columnsOf(s).map((column): Place => {
    const at = bytes;
    bytes += padded(column.byteLength);
    return { at, length: column.length, kind: KINDS.findIndex((kind) => column instanceof kind) };
  });
  const { names, members } = s.racks;
  return {
    bytes,
    places,
    services: s.wanted.weight.length,
    rules: s.rules,
    anchorsStart: s.anchors.start,
    racks: { names, members },
  };
}

/** Copies the state into `buffer`, which has the bytes that its shape says; the rest of it is returned. */
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
    scan: { eligible: scan.eligible, blind: scan.blind, missed: scan.missed },
    frozen: wanted.frozen,
    now: clock.now,
    dataplane: nics.dataplane,
    fleet: s.fleet,
  };
}

export interface Mirror {
  /** The same as the state that was copied last, as far as `read.ts` looks. */
  readonly state: State;
  /** Takes what came with the buffer. */
  show(scalars: MirrorScalars): void;
}

/** A state over a buffer that `writeMirror` fills. Of the topology only names are read. */
export function openMirror(topology: Topology, shape: MirrorShape, buffer: SharedArrayBuffer): Mirror {
  const { services, rules, anchorsStart, racks } = shape;
  const columns = shape.places.map(({ at, length, kind }): Column => {
    const View = KINDS[kind] as new (buffer: SharedArrayBuffer, at: number, length: number) => Column;
    return new View(buffer, at, length);
  });
  const take = (n: number) => columns.splice(0, n);
  const part = (name: Part) => Object.fromEntries(take(COLUMNS[name].length).map((column, k) => [COLUMNS[name][k], column]));
  const parts = Object.fromEntries(PARTS.map((name) => [name, part(name)])) as Record<Part, object>;
  const [nicEnabled, panic] = take(2);
  const { weightBy, weightValue } = parts.servers as Pick<State['servers'], 'weightBy' | 'weightValue'>;
  const dynamic = { by: weightBy, value: weightValue };
  const wanted = { nicEnabled, panic, weight: take(services), path: take(services), dynamic, frozen: '' };
  const agent = {};
  const clock = { now: 0 };
  const state = {
    ...parts,
    topology,
    rules,
    anchors: { ...parts.anchors, start: anchorsStart },
    racks: { ...parts.racks, ...racks },
    wanted,
    agent,
    clock,
    fleet: undefined as State['fleet'],
  };
  return {
    state: state as unknown as State,
    show: (scalars) => {
      Object.assign(agent, scalars.agent);
      Object.assign(parts.scan, scalars.scan);
      wanted.frozen = scalars.frozen;
      clock.now = scalars.now;
      Object.assign(parts.nics, { dataplane: scalars.dataplane });
      state.fleet = scalars.fleet;
    },
  };
}
