/**
 * A judge's state as JSON that gives back exactly the same state: the beginning of a recorded log that starts in the middle. (A
 * state file is for another clock and keeps less, see `snapshot.ts`.) Columns are run-length coded, since most values are alike;
 * null is -Infinity.
 */
import { LIMITS } from '../model/limits.ts';
import type { Topology } from '../model/topology.ts';
import { AGENT_VERDICTS } from '../model/verdicts.ts';
import { ANCHOR_COLUMNS, CELL_COLUMNS, type Columns, NIC_COLUMNS, RACK_COLUMNS, type Schema, SERVER_COLUMNS } from './columns.ts';
import { packSamples, unpackSamples } from './dataplane-samples.ts';
import { putPath, putWeight, type Spending } from './governor-state.ts';
import { packFleet, unpackFleet } from './fleet-saved.ts';
import { initial } from './initial.ts';
import type { Flaps, State } from './memory.ts';
import { countRacks } from './retopologise.ts';
import { Reader, type Saved } from './snapshot-reader.ts';

const NONE = Number.NEGATIVE_INFINITY;
const ANY = [-Number.MAX_VALUE, Number.MAX_VALUE] as const;

type Packed = readonly (number | null)[];
type Numbers = ArrayLike<number> & { [index: number]: number };

/** Value and count of each run. */
function pack(values: ArrayLike<number>): Packed {
  const runs: (number | null)[] = [];
  for (let at = 0, from = 0; at < values.length; at = from) {
    while (from < values.length && values[from] === values[at]) from++;
    runs.push(values[at] === NONE ? null : values[at]!, from - at);
  }
  return runs;
}

const packAll = <S extends Schema>(schema: S, columns: Columns<S>) =>
  Object.fromEntries(
    Object.entries(schema).flatMap(([name, { carried }]) => (carried === 'never' ? [] : [[name, pack(columns[name]!)]])),
  );

/** Everything that the next pass of this judge depends on, but its topology. */
export function exactState(state: State): Saved {
  const { governor } = state;
  const { wanted } = governor;
  const lists = (flaps: Flaps) => [...flaps].map(([index, onsets]) => [index, ...onsets]);
  const spending = ({ times, costs, sum }: Spending) => [sum, ...times.flatMap((t, index) => [t, costs[index]!])];
  return {
    cells: packAll(CELL_COLUMNS, state.cells),
    anchors: packAll(ANCHOR_COLUMNS, state.anchors),
    nics: packAll(NIC_COLUMNS, state.nics),
    dataplane: state.nics.dataplane.map((samples) => packSamples(samples, (t) => t)),
    servers: packAll(SERVER_COLUMNS, state.servers),
    racks: packAll(RACK_COLUMNS, state.racks),
    agent: scalars(state.agent),
    clock: scalars(state.clock),
    baseline: scalars(state.baseline),
    flaps: [lists(state.flaps.nic), lists(state.flaps.rs), lists(state.flaps.path)],
    nicEnabled: pack(wanted.nicEnabled),
    heldNic: pack(governor.heldNic),
    weight: wanted.weight.map(pack),
    heldWeight: governor.heldWeight.map(pack),
    path: wanted.path.map(pack),
    heldPath: governor.heldPath.map(pack),
    panic: pack(wanted.panic),
    activeServers: [...governor.activeServers],
    activePaths: [...governor.activePaths],
    spentService: governor.spentService.map(spending),
    spentAgent: spending(governor.spentAgent),
    ...(state.fleet === undefined ? {} : { fleet: packFleet(state.fleet, (t) => t) }),
  };
}

/** Numbers and words by name. */
const scalars = (part: object) =>
  Object.fromEntries(Object.entries(part).map(([name, value]) => [name, value === NONE ? null : value]));

/** Columns that a log from before they were there does not have keep their first values. */
function unpackAll<S extends Schema>(reader: Reader, schema: S, into: Columns<S>): void {
  for (const [name, { carried, range }] of Object.entries(schema)) {
    if (carried !== 'never' && reader.has(name)) unpack(reader, reader.list(name), into[name]!, range ?? ANY, name);
  }
}

/** The state that `exactState` described. Throws RangeError saying what is wrong with it. */
export function fromExactState(topology: Topology, json: unknown): State {
  const state = initial(topology, 0);
  const reader = new Reader(json, 0);
  unpackAll(reader.child('cells'), CELL_COLUMNS, state.cells);
  unpackAll(reader.child('anchors'), ANCHOR_COLUMNS, state.anchors);
  unpackAll(reader.child('nics'), NIC_COLUMNS, state.nics);
  unpackAll(reader.child('servers'), SERVER_COLUMNS, state.servers);
  unpackAll(reader.child('racks'), RACK_COLUMNS, state.racks);
  countRacks(state);
  reader.list('dataplane', topology.nics.length).forEach((samples, nic) => {
    state.nics.dataplane[nic]!.push(...unpackSamples(reader.numbers(samples, 'dataplane'), (t) => t));
  });
  Object.assign(state.agent, readScalars(reader.child('agent'), state.agent), {
    verdict: reader.child('agent').word('verdict', ['', ...AGENT_VERDICTS]),
  });
  Object.assign(state.clock, readScalars(reader.child('clock'), state.clock));
  Object.assign(state.baseline, readScalars(reader.child('baseline'), state.baseline));
  state.servers.fall.forEach((fall, server) => (state.adaptedFall[server] = Math.max(fall, state.baseline.fall)));
  if (reader.has('fleet')) state.fleet = unpackFleet(reader.child('fleet'), topology.realServers.length, (t) => t);
  const flaps = reader.list('flaps', 3);
  [state.flaps.nic, state.flaps.rs, state.flaps.path].forEach((target, which) => {
    for (const entry of reader.array(flaps[which], 'flaps')) {
      const [index, ...onsets] = reader.numbers(entry, 'flaps');
      target.set(index!, onsets);
    }
  });
  readGovernor(state, reader);
  return state;
}

function readGovernor({ topology, governor, agent, cells, servers }: State, reader: Reader): void {
  const { wanted } = governor;
  const limit = [0, LIMITS.length - 1] as const;
  wanted.frozen = agent.verdict;
  const fill = (name: string, target: Numbers, range: readonly [number, number]) =>
    unpack(reader, reader.list(name), target, range, name);
  fill('nicEnabled', wanted.nicEnabled, [0, 1]);
  fill('heldNic', governor.heldNic, limit);
  fill('panic', wanted.panic, [0, 1]);
  const perService = (name: string) => reader.list(name, topology.services.length);
  const [weight, heldWeight] = [perService('weight'), perService('heldWeight')];
  const [path, heldPath] = [perService('path'), perService('heldPath')];
  const spent = perService('spentService');
  topology.services.forEach(({ nics, realServers }, service) => {
    const part = (all: readonly unknown[], name: string) => reader.array(all[service], name);
    const weights = new Float32Array(realServers.length);
    unpack(reader, part(weight, 'weight'), weights, [0, 1], 'weight');
    weights.forEach((value, position) => putWeight(governor, { service, position }, value));
    unpack(reader, part(heldWeight, 'heldWeight'), governor.heldWeight[service]!, limit, 'heldWeight');
    const paths = new Uint8Array(nics.length * realServers.length);
    unpack(reader, part(path, 'path'), paths, [0, 1], 'path');
    nics.forEach((_, slice) => {
      realServers.forEach((__, position) => {
        putPath(governor, { service, slice, position }, paths[slice * realServers.length + position] === 1 ? 1 : 0);
      });
    });
    unpack(reader, part(heldPath, 'heldPath'), governor.heldPath[service]!, limit, 'heldPath');
    readSpending(reader, spent[service], governor.spentService[service]!);
  });
  readSpending(reader, reader.list('spentAgent'), governor.spentAgent);
  for (const server of reader.list('activeServers'))
    governor.activeServers.add(reader.integer(server, 0, servers.fall.length - 1, 'activeServers'));
  for (const cell of reader.list('activePaths'))
    governor.activePaths.add(reader.integer(cell, 0, cells.link.length - 1, 'activePaths'));
}

function readSpending(reader: Reader, json: unknown, into: Spending): void {
  const [sum = 0, ...values] = reader.numbers(json, 'spent');
  into.sum = sum;
  for (const [t, cost] of tuples(values, 2)) {
    into.times.push(t!);
    into.costs.push(cost!);
  }
}

/** Numbers of `part`'s names; null is -Infinity. */
function readScalars(reader: Reader, part: object): Record<string, number> {
  const numeric = Object.entries(part).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numeric.map(([name]) => [name, reader.isNull(name) ? NONE : reader.finiteOf(name)]));
}

function unpack(
  reader: Reader,
  runs: readonly unknown[],
  into: Numbers,
  [min, max]: readonly [number, number],
  name: string,
): void {
  let at = 0;
  for (let run = 0; run + 1 < runs.length; run += 2) {
    const value = runs[run] === null ? NONE : reader.finite(runs[run], min, max, name);
    const until = at + reader.integer(runs[run + 1], 1, into.length - at, name);
    while (at < until) into[at++] = value;
  }
  if (at !== into.length) throw new RangeError(`${name}: expected ${into.length} values, found ${at}`);
}

function tuples(values: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.floor(values.length / size) }, (_, at) => values.slice(at * size, (at + 1) * size));
}
