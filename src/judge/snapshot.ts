/**
 * Warm restart: the state as JSON and back. Times are ages, because the clock of the next process may start anywhere. Real
 * servers are named by a hash of their key. The loss windows are not kept: they fill again before anything recovers because of
 * them.
 */
import { FourlaneError } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import { AGENT_VERDICTS } from '../model/verdicts.ts';
import { type Columns, NIC_COLUMNS, RACK_COLUMNS, type Schema, SERVER_COLUMNS } from './columns.ts';
import { packSamples, unpackSamples } from './dataplane-samples.ts';
import type { Flaps, State } from './memory.ts';
import { countRacks, keepNics } from './retopologise.ts';
import { locate } from '../model/locate.ts';
import { restoreCells, saveCells } from './snapshot-cells.ts';
import { type Moved, restoreGovernor, saveGovernor } from './snapshot-governor.ts';
import { moveFleet, newFleet } from './fleet.ts';
import { packFleet, unpackFleet } from './fleet-saved.ts';
import { Reader, type Saved } from './snapshot-reader.ts';
import { initial } from './initial.ts';

/**
 * Version 2 names the columns, so that a file may lack one that is new; version 1 (before 2026-12) held them in a fixed order.
 */
const VERSION = 2;
const words = (text: string) => text.split(' ');
const VERSION_1 = {
  nic: words(
    'everGood verdict cause hardFault softFault carrier suspectSince failSince partialSince lossySince lossyFailSince' +
      ' collapseSince recoverSince at carrierT netdownFirst netdownLast suspectT born',
  ),
  rs: words('verdict cause faulty since at goodT rampT born'),
};
const AGENT = ['', ...AGENT_VERDICTS] as const;

/** 53-bit hash of a key, as text: names a real server in 11 characters. */
export function hashKey(key: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < key.length; at++) {
    const ch = key.charCodeAt(at);
    a = Math.imul(a ^ ch, 2654435761);
    b = Math.imul(b ^ ch, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

const hashed = new WeakMap<Topology, readonly string[]>();

/** Hashes of a topology's keys: made once, since a snapshot is taken every few seconds. */
function hashedKeys(topology: Topology): readonly string[] {
  let made = hashed.get(topology);
  if (!made) {
    made = topology.realServers.map((each) => hashKey(each.key));
    hashed.set(topology, made);
  }
  return made;
}

/** The whole memory as plain JSON values; its ages count from the last pass. */
export function toSnapshot(state: State): Saved {
  const { now } = state.clock;
  const age = (t: number) => (t === 0 || !Number.isFinite(t) ? null : Math.round(now - t));
  const flaps = (flaps: Flaps) => [...flaps].map(([index, onsets]) => [index, ...onsets.map((t) => Math.round(now - t))]);
  const { nics, servers, racks, anchors, agent, clock, baseline } = state;
  return {
    v: VERSION,
    nics: state.topology.nics.map((each) => each.name),
    realServers: hashedKeys(state.topology),
    hold: clock.hold,
    baseline: [baseline.results, baseline.lost, baseline.fall],
    agent: [AGENT.indexOf(agent.verdict), agent.kindSince],
    times: [
      agent.at,
      agent.coldUntil,
      agent.settleUntil,
      agent.stormAt,
      agent.stormSeen,
      agent.excusedUntil,
      clock.turnedAt,
      clock.windowFrom,
    ].map((t) => (Number.isFinite(t) ? Math.round(now - t) : null)),
    nic: saveColumns(NIC_COLUMNS, nics, age),
    dataplane: nics.dataplane.map((samples) => packSamples(samples, (t) => Math.round(now - t))),
    anchors: state.topology.nics.map((each, nic) =>
      each.anchors.map((id, position) => {
        const anchor = anchors.start[nic]! + position;
        return [
          id,
          anchors.link[anchor]!,
          anchors.streak[anchor]!,
          anchors.outcome[anchor]!,
          age(anchors.t[anchor]!),
          age(anchors.linkT[anchor]!),
        ];
      }),
    ),
    rs: saveColumns(SERVER_COLUMNS, servers, age),
    racks: racks.names.map((name, rack) => [name, racks.verdict[rack]!, age(racks.at[rack]!)]),
    flaps: [flaps(state.flaps.nic), flaps(state.flaps.rs), flaps(state.flaps.path)],
    cells: saveCells(state),
    governor: saveGovernor(state),
    ...(state.checkers.length === 0 ? {} : { checkers: [...state.checkers] }),
    ...(state.fleet === undefined ? {} : { fleet: packFleet(state.fleet, (t) => Math.round(now - t)) }),
  };
}

/**
 * The state for `topology`, taken up from a snapshot: as after a reload, what has the same name or key keeps its past. Missing
 * results are excused for `graceMs` (default: the longest time a cell may be without result), so that an unchanged world changes
 * nothing; 0 when the judge never stopped. Throws FourlaneError STATE_DAMAGED saying what is wrong with the snapshot.
 */
export function fromSnapshot(topology: Topology, json: unknown, now: number, graceMs?: number): State {
  const state = initial(topology, now);
  const grace = graceMs ?? state.servers.limit.reduce((most, limit) => Math.max(most, limit), 0);
  try {
    const reader = new Reader(json, now);
    restore(state, reader, grace);
  } catch (error) {
    if (error instanceof RangeError)
      throw new FourlaneError('STATE_DAMAGED', `saved judge state: ${error.message}`, { cause: error });
    throw error;
  }
  return state;
}

function restore(state: State, reader: Reader, grace: number): void {
  reader.only([
    'v',
    'nics',
    'realServers',
    'hold',
    'baseline',
    'agent',
    'times',
    'nic',
    'dataplane',
    'anchors',
    'rs',
    'racks',
    'flaps',
    'cells',
    'governor',
    ...(reader.has('checkers') ? ['checkers'] : []),
    ...(reader.has('fleet') ? ['fleet'] : []),
  ]);
  const version = reader.finiteOf('v', 0, 1e9);
  if (version !== 1 && version !== VERSION) throw new RangeError(`version ${version} is not 1 or ${VERSION}`);
  const names = reader.strings('nics');
  const keys = reader.strings('realServers');
  const toNic = locate(
    names,
    state.topology.nics.map((each) => each.name),
  );
  const toServer = locate(keys, [...hashedKeys(state.topology)]);
  const { now } = state.clock;
  state.clock.hold = reader.finiteOf('hold', 1, Number.MAX_VALUE);
  restoreAgent(state, reader, grace);
  const restart = grace > 0;
  const hold = [0, state.clock.hold] as const;
  restoreColumns({ reader: columnsOf(reader, 'nic', version), hold, restart }, NIC_COLUMNS, state.nics, toNic);
  restoreColumns({ reader: columnsOf(reader, 'rs', version), hold, restart }, SERVER_COLUMNS, state.servers, toServer);
  restoreAnchors(state, reader, toNic);
  if (reader.has('fleet'))
    state.fleet = moveFleet(
      unpackFleet(reader.child('fleet'), keys.length, (age) => now - age),
      toServer,
    );
  reader.list('dataplane', names.length).forEach((samples, nic) => {
    const values = reader.numbers(samples, 'dataplane');
    if (toNic[nic]! >= 0) state.nics.dataplane[toNic[nic]!]!.push(...unpackSamples(values, (age) => now - age));
  });
  for (const entry of reader.list('racks')) {
    const [name, verdict, at] = reader.tuple(entry, 3, 'racks');
    const rack = state.racks.names.indexOf(String(name));
    if (rack < 0) continue;
    state.racks.verdict[rack] = reader.integer(verdict, ...RACK_COLUMNS.verdict.range!, 'racks');
    state.racks.at[rack] = at === null ? 0 : reader.time(at, 'racks');
  }
  const serverCount = keys.length;
  const moved: Moved = {
    nic: (index) => toNic[index] ?? -1,
    server: (index) => toServer[index] ?? -1,
    cell(index) {
      const [nic, server] = [toNic[Math.floor(index / serverCount)] ?? -1, toServer[index % serverCount] ?? -1];
      return nic < 0 || server < 0 ? -1 : nic * state.topology.realServers.length + server;
    },
    serverCount,
  };
  restoreFlaps(state, reader, moved);
  restoreCells(state, reader.child('cells'), names.length * serverCount, moved.cell);
  restoreGovernor(state, reader.child('governor'), moved);
  if (reader.has('checkers') && state.checkers.length > 0) restoreCheckers(state, reader, moved);
  countRacks(state);
  keepNics(state);
}

function restoreCheckers({ checkers }: State, reader: Reader, moved: Moved): void {
  reader.list('checkers').forEach((memory, cell) => {
    if (moved.cell(cell) >= 0) checkers[moved.cell(cell)] = reader.integer(memory, 0, 0xffff_ffff, 'checkers');
  });
}

/** The columns of a schema that a state file keeps. */
function saveColumns<S extends Schema>(schema: S, columns: Columns<S>, age: (t: number) => number | null): Saved {
  const kept = Object.entries(schema).filter(([, { saved }]) => saved !== undefined);
  return Object.fromEntries(
    kept.map(([name, { saved }]) => [name, saved === 'age' ? Array.from(columns[name]!, age) : [...columns[name]!]]),
  );
}

/** Saved columns by name, whatever the version. */
function columnsOf(reader: Reader, name: 'nic' | 'rs', version: number): Reader {
  if (version !== 1) return reader.child(name);
  const names = VERSION_1[name];
  const columns = reader.list(name, names.length);
  return reader.of(Object.fromEntries(names.map((column, index) => [column, columns[index]])));
}

/** Saved columns, what a reading of the hold clock may be, and whether a restart lies between. */
interface SavedColumns {
  readonly reader: Reader;
  readonly hold: readonly [min: number, max: number];
  readonly restart: boolean;
}

/** Puts saved columns where their indices are now; a column that the file does not have yet keeps its first values. */
function restoreColumns<S extends Schema>(
  { reader, hold, restart }: SavedColumns,
  schema: S,
  into: Columns<S>,
  where: readonly number[],
): void {
  for (const [name, { saved, range = hold, newAtRestart }] of Object.entries(schema)) {
    if (saved === undefined || (newAtRestart === true && restart) || !reader.has(name)) continue;
    const column = reader.list(name, where.length);
    const read = (value: unknown) => {
      if (saved === 'age') return value === null ? 0 : reader.time(value, name);
      return saved === 'plain' ? reader.integer(value, ...range, name) : reader.finite(value, ...range, name);
    };
    where.forEach((to, index) => to >= 0 && (into[name]![to] = read(column[index])));
  }
}

function restoreAgent(state: State, reader: Reader, grace: number): void {
  const { agent, baseline, clock } = state;
  [baseline.results, baseline.lost, baseline.fall] = reader.numbers(reader.list('baseline', 3), 'baseline') as [
    number,
    number,
    number,
  ];
  state.servers.fall.forEach((fall, server) => (state.adaptedFall[server] = Math.max(fall, baseline.fall)));
  const [verdict, kindSince] = reader.list('agent', 2);
  agent.verdict = AGENT[reader.integer(verdict, 0, AGENT.length - 1, 'agent')]!;
  // Until the others speak again it stays what it was.
  if (agent.verdict === 'AGENT_ILL') state.fleet = newFleet(clock.now);
  agent.kindSince = reader.finite(kindSince, 0, Number.MAX_SAFE_INTEGER, 'agent');
  const times = reader.list('times', 8).map((limit) => (limit === null ? Number.NEGATIVE_INFINITY : reader.time(limit, 'times')));
  agent.at = times[0]!;
  agent.coldUntil = times[1]!;
  agent.settleUntil = times[2]!;
  agent.stormAt = times[3]!;
  agent.stormSeen = times[4]!;
  clock.turnedAt = times[6]!;
  // The window itself is not kept: until it is full again it proves no recovery.
  if (grace === 0) clock.windowFrom = times[7]!;
  agent.excusedUntil = grace > 0 ? clock.now + grace : times[5]!;
}

function restoreAnchors(state: State, reader: Reader, toNic: readonly number[]): void {
  reader.list('anchors', toNic.length).forEach((row, nic) => {
    for (const entry of reader.array(row, 'anchors')) {
      const [id, link, streak, outcome, t, linkT] = reader.tuple(entry, 6, 'anchors');
      const position = toNic[nic]! < 0 ? -1 : state.topology.nics[toNic[nic]!]!.anchors.indexOf(String(id));
      if (position < 0) continue;
      const anchor = state.anchors.start[toNic[nic]!]! + position;
      state.anchors.link[anchor] = reader.integer(link, 0, 2, 'anchors');
      state.anchors.streak[anchor] = reader.integer(streak, -32_768, 32_767, 'anchors');
      state.anchors.outcome[anchor] = reader.integer(outcome, 0, 255, 'anchors');
      state.anchors.t[anchor] = t === null ? 0 : reader.time(t, 'anchors');
      state.anchors.linkT[anchor] = linkT === null ? Number.NEGATIVE_INFINITY : reader.time(linkT, 'anchors');
    }
  });
}

function restoreFlaps({ flaps, clock }: State, reader: Reader, moved: Moved): void {
  const lists = reader.list('flaps', 3);
  const parts = [
    [flaps.nic, moved.nic],
    [flaps.rs, moved.server],
    [flaps.path, moved.cell],
  ] as const;
  parts.forEach(([target, where], which) => {
    for (const entry of reader.array(lists[which], 'flaps')) {
      const [index = -1, ...ages] = reader.numbers(entry, 'flaps');
      const onsets = ages.map((age) => clock.now - age);
      if (where(index) >= 0) target.set(where(index), onsets);
    }
  });
}
