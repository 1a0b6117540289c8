/** Reload: the judge goes on in a changed world. What has the same name or key keeps its past. */
import { locate } from '../model/locate.ts';
import type { Topology } from '../model/topology.ts';
import { VERDICT } from '../model/verdicts.ts';
import { ANCHOR_COLUMNS, CELL_COLUMNS, type Columns, NIC_COLUMNS, RACK_COLUMNS, type Schema, SERVER_COLUMNS } from './columns.ts';
import { positionsOf, putPath, putWeight, type Spending } from './governor-state.ts';
import { moveFleet } from './fleet.ts';
import { initial } from './initial.ts';
import { checksAt } from './members.ts';
import { copySpans, spansOf } from './spans.ts';
import type { Flaps, State } from './memory.ts';

/** Where an old index lies in the new topology; -1 = gone. */
type Where = readonly number[];

/** Two worlds, and where NICs and real servers of the old one are in the new one. */
interface Move {
  readonly from: State;
  readonly to: State;
  readonly nics: Where;
  readonly servers: Where;
}

/**
 * The state for `topology`, taken over from `from`: NICs by name, real servers by key, anchors, racks and services by name. New
 * cells start unknown. `from` must not be used any more. Throws RangeError for rule overrides that are wrong.
 */
export function retopologise(from: State, topology: Topology, now: number): State {
  const to = initial(topology, now);
  const nics = locate(
    from.topology.nics.map((nic) => nic.name),
    topology.nics.map((nic) => nic.name),
  );
  const servers = locate(
    from.topology.realServers.map((server) => server.key),
    topology.realServers.map((server) => server.key),
  );
  const move: Move = { from, to, nics, servers };
  carryCells(move);
  carryCheckers(move);
  carryRows(move);
  carryFlaps(move);
  carryGovernor(move);
  to.fleet = moveFleet(from.fleet, servers);
  const known = nics.filter((nic) => nic >= 0).length * servers.filter((server) => server >= 0).length;
  const { coldUntil } = to.agent;
  Object.assign(to.agent, from.agent);
  if (2 * known < to.cells.link.length) to.agent.coldUntil = Math.max(coldUntil, from.agent.coldUntil);
  Object.assign(to.baseline, from.baseline);
  to.servers.fall.forEach((fall, server) => (to.adaptedFall[server] = Math.max(fall, to.baseline.fall)));
  return to;
}

function carryCells({ from, to, nics, servers }: Move): void {
  const sameWindow =
    from.topology.intervalMs === to.topology.intervalMs && from.rules.lossy_window_rounds === to.rules.lossy_window_rounds;
  Object.assign(to.clock, from.clock, sameWindow ? {} : { bucket: to.clock.bucket, windowFrom: to.clock.windowFrom });
  const [width, size] = [from.topology.realServers.length, from.cells.link.length];
  const [toWidth, toSize] = [to.topology.realServers.length, to.cells.link.length];
  const spans = spansOf(servers, toWidth);
  for (const [name, { carried, depth }] of Object.entries(CELL_COLUMNS)) {
    if (carried === 'same window' && !sameWindow) continue;
    const source = from.cells[name as keyof State['cells']];
    const target = to.cells[name as keyof State['cells']];
    for (let block = 0; block < depth; block++) {
      nics.forEach((toNic, nic) => {
        if (toNic < 0) return;
        copySpans(source, target, spans, block * size + nic * width, block * toSize + toNic * toWidth);
      });
    }
  }
}

/** What the checkers of cells remember, where both worlds have such. */
function carryCheckers(move: Move): void {
  const { from, to } = move;
  if (from.checkers.length === 0 || to.checkers.length === 0) return;
  const cell = cellIndex(move);
  from.checkers.forEach((memory, index) => cell(index) >= 0 && (to.checkers[cell(index)] = memory));
}

/** Copies what a reload carries of one kind of rows. */
function carry<S extends Schema>(schema: S, from: Columns<S>, to: Columns<S>, where: Where): void {
  const columns = Object.entries(schema);
  const spans = spansOf(where, to[columns[0]![0]]!.length);
  for (const [name, { carried }] of columns) if (carried !== 'never') copySpans(from[name]!, to[name]!, spans);
}

function carryRows({ from, to, nics, servers }: Move): void {
  carry(NIC_COLUMNS, from.nics, to.nics, nics);
  carry(SERVER_COLUMNS, from.servers, to.servers, servers);
  carry(RACK_COLUMNS, from.racks, to.racks, locate(from.racks.names, to.racks.names));
  const anchors: number[] = [];
  nics.forEach((toNic, nic) => {
    const ids = from.topology.nics[nic]!.anchors;
    if (toNic >= 0) to.nics.dataplane[toNic] = from.nics.dataplane[nic]!;
    const positions = toNic < 0 ? ids.map(() => -1) : locate(ids, to.topology.nics[toNic]!.anchors);
    for (const position of positions) anchors.push(position < 0 ? -1 : to.anchors.start[toNic]! + position);
  });
  carry(ANCHOR_COLUMNS, from.anchors, to.anchors, anchors);
  countRacks(to);
}

/** Counts the real servers that are down per rack. */
export function countRacks({ racks, servers }: State): void {
  const isDown = (server: number) => servers.verdict[server] === VERDICT.RS_DOWN;
  racks.downAnywhere = servers.verdict.reduce((count, verdict) => count + (verdict === VERDICT.RS_DOWN ? 1 : 0), 0);
  racks.members.forEach((members, rack) => (racks.down[rack] = members.filter(isDown).length));
}

function carryFlaps(move: Move): void {
  const { from, to, nics, servers } = move;
  const copy = (source: Flaps, target: Flaps, where: (index: number) => number) => {
    for (const [index, onsets] of source) if (where(index) >= 0) target.set(where(index), onsets);
  };
  copy(from.flaps.nic, to.flaps.nic, (nic) => nics[nic]!);
  copy(from.flaps.rs, to.flaps.rs, (server) => servers[server]!);
  copy(from.flaps.path, to.flaps.path, cellIndex(move));
}

function cellIndex({ from, to, nics, servers }: Move): (cell: number) => number {
  const width = from.topology.realServers.length;
  return (cell) => {
    const nic = nics[Math.floor(cell / width)]!;
    const server = servers[cell % width]!;
    return nic < 0 || server < 0 ? -1 : nic * to.topology.realServers.length + server;
  };
}

function carrySpending(source: Spending, target: Spending): void {
  target.times.push(...source.times);
  target.costs.push(...source.costs);
  target.sum = source.sum;
}

function carryGovernor(move: Move): void {
  const { from, to, nics, servers } = move;
  const [old, next] = [from.governor, to.governor];
  next.wanted.frozen = old.wanted.frozen;
  nics.forEach((toNic, nic) => {
    if (toNic < 0) return;
    next.wanted.nicEnabled[toNic] = old.wanted.nicEnabled[nic]!;
    next.heldNic[toNic] = old.heldNic[nic]!;
  });
  keepNics(to);
  for (const server of old.activeServers) if (servers[server]! >= 0) next.activeServers.add(servers[server]!);
  const cell = cellIndex(move);
  for (const path of old.activePaths) if (cell(path) >= 0) next.activePaths.add(cell(path));
  carrySpending(old.spentAgent, next.spentAgent);
  const services = locate(
    from.topology.services.map((service) => service.name),
    to.topology.services.map((service) => service.name),
  );
  services.forEach((toService, service) => toService >= 0 && carryService(move, service, toService));
}

/** Fewer NICs allow fewer to be disabled: those come back that still have a carrier, then any. */
export function keepNics({ wanted: { nicEnabled }, nics, rules }: State): void {
  const most = Math.min(Math.floor(rules.max_nics_fraction * nicEnabled.length), nicEnabled.length - 1);
  const out = [...nicEnabled.keys()].filter((nic) => nicEnabled[nic] === 0);
  out.sort((a, b) => Number(nics.carrier[a] === 0) - Number(nics.carrier[b] === 0) || a - b);
  for (const nic of out.slice(0, Math.max(out.length - most, 0))) nicEnabled[nic] = 1;
}

/** The new state has everything in service: only what is not needs to be carried, and that is little or nothing. */
function carryService({ from, to, nics, servers }: Move, service: number, toService: number): void {
  const [old, next] = [from.governor, to.governor];
  const oldShape = from.topology.services[service]!;
  const nextShape = to.topology.services[toService]!;
  carrySpending(old.spentService[service]!, next.spentService[toService]!);
  next.wanted.panic[toService] = old.wanted.panic[service]!;
  const [weight, heldWeight] = [old.wanted.weight[service]!, old.heldWeight[service]!];
  const [path, heldPath] = [old.wanted.path[service]!, old.heldPath[service]!];
  const width = oldShape.realServers.length;
  const slices = oldShape.nics
    .map((nic, slice) => ({ slice, toSlice: nextShape.nics.indexOf(nics[nic]!) }))
    .filter(({ toSlice }) => toSlice >= 0);
  const isPlain = (position: number) => {
    if (weight[position] !== 1 || heldWeight[position] !== 0) return false;
    for (const { slice } of slices) {
      const at = slice * width + position;
      if (path[at] !== 1 || heldPath[at] !== 0) return false;
    }
    return true;
  };
  let positions: Map<number, number> | undefined;
  for (let position = 0; position < width; position++) {
    if (isPlain(position)) continue;
    positions ??= positionsOf(nextShape);
    const known = checksAt(oldShape, position).find((server) => positions!.has(servers[server]!));
    const toPosition = known === undefined ? undefined : positions.get(servers[known]!);
    if (toPosition === undefined) continue;
    putWeight(next, { service: toService, position: toPosition }, weight[position]!);
    next.heldWeight[toService]![toPosition] = heldWeight[position]!;
    for (const { slice, toSlice } of slices) {
      const at = slice * width + position;
      putPath(next, { service: toService, slice: toSlice, position: toPosition }, path[at] === 1 ? 1 : 0);
      next.heldPath[toService]![toSlice * nextShape.realServers.length + toPosition] = heldPath[at]!;
    }
  }
}
