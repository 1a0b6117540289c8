/** Reload: the judge goes on in a changed world. What has the same name or key keeps its past. */
import type { Topology } from '../model/topology.ts';
import { type Governor, putPath, putWeight, type Spending } from './governor-state.ts';
import { BUCKETS, type Flaps, type State, V } from './memory.ts';
import { initial } from './initial.ts';

/** Where an old index lies in the new topology; -1 = gone. */
type Where = readonly number[];

/**
 * The state for `topology`, taken over from `from`: NICs by name, real servers by key, anchors, racks and services by name. New cells
 * start unknown. `from` must not be used any more. Throws RangeError for rule overrides that are wrong.
 */
export function retopologise(from: State, topology: Topology, now: number): State {
  const to = initial(topology, now);
  const nics = locate(
    from.topology.nics.map((n) => n.name),
    topology.nics.map((n) => n.name),
  );
  const servers = locate(
    from.topology.realServers.map((r) => r.key),
    topology.realServers.map((r) => r.key),
  );
  carryCells(from, to, nics, servers);
  carryRows(from, to, nics, servers);
  carryFlaps(from, to, nics, servers);
  carryGovernor(from, to, nics, servers);
  const known = nics.filter((i) => i >= 0).length * servers.filter((j) => j >= 0).length;
  const { coldUntil } = to.agent;
  Object.assign(to.agent, from.agent);
  if (2 * known < to.cells.link.length) to.agent.coldUntil = Math.max(coldUntil, from.agent.coldUntil);
  Object.assign(to.baseline, from.baseline);
  to.servers.fall.forEach((fall, j) => (to.adaptedFall[j] = Math.max(fall, to.baseline.fall)));
  return to;
}

/** Position of each old name among the new ones. */
export function locate(old: readonly string[], next: readonly string[]): Where {
  const at = new Map(next.map((name, k) => [name, k]));
  return old.map((name) => at.get(name) ?? -1);
}

/** Stretches that keep their order: a reload moves few real servers, so whole stretches are copied at once. */
function runsOf(where: Where): readonly { readonly from: number; readonly to: number; readonly length: number }[] {
  const runs: { from: number; to: number; length: number }[] = [];
  where.forEach((to, from) => {
    if (to < 0) return;
    const last = runs.at(-1);
    if (last && last.from + last.length === from && last.to + last.length === to) last.length++;
    else runs.push({ from, to, length: 1 });
  });
  return runs;
}

function carryCells(from: State, to: State, nics: Where, servers: Where): void {
  const sameWindow =
    from.topology.intervalMs === to.topology.intervalMs && from.rules.lossy_window_rounds === to.rules.lossy_window_rounds;
  Object.assign(to.clock, from.clock, sameWindow ? {} : { bucket: to.clock.bucket, windowFrom: to.clock.windowFrom });
  const [m, size] = [from.topology.realServers.length, from.cells.link.length];
  const [toM, toSize] = [to.topology.realServers.length, to.cells.link.length];
  const runs = runsOf(servers);
  for (const [name, source] of Object.entries(from.cells) as [string, Float64Array][]) {
    if (!sameWindow && /^(bucket|window)/.test(name)) continue;
    const target = to.cells[name as keyof State['cells']] as Float64Array;
    const depth = name.startsWith('bucket') ? BUCKETS : 1;
    for (let b = 0; b < depth; b++) {
      nics.forEach((toI, i) => {
        if (toI < 0) return;
        const row = b * size + i * m;
        const toRow = b * toSize + toI * toM;
        for (const r of runs) target.set(source.subarray(row + r.from, row + r.from + r.length), toRow + r.to);
      });
    }
  }
}

/** What follows from the topology and is not carried. */
const SHAPE = new Set(['group', 'alone', 'dataplane', 'interval', 'timeout', 'limit', 'fall', 'rise', 'rack']);

function carryColumns(source: object, target: object, where: Where): void {
  for (const [name, column] of Object.entries(source) as [string, Float64Array][]) {
    if (SHAPE.has(name)) continue;
    const into = (target as Record<string, Float64Array>)[name]!;
    where.forEach((to, k) => to >= 0 && (into[to] = column[k]!));
  }
}

function carryRows(from: State, to: State, nics: Where, servers: Where): void {
  carryColumns(from.nics, to.nics, nics);
  carryColumns(from.servers, to.servers, servers);
  nics.forEach((toI, i) => {
    if (toI < 0) return;
    to.nics.dataplane[toI] = from.nics.dataplane[i]!;
    const anchors = locate(from.topology.nics[i]!.anchors, to.topology.nics[toI]!.anchors);
    const [a, b] = [from.anchors.start[i]!, to.anchors.start[toI]!];
    for (const name of ['link', 'streak', 'outcome', 't', 'linkT'] as const) {
      anchors.forEach((k, at) => k >= 0 && (to.anchors[name][b + k] = from.anchors[name][a + at]!));
    }
  });
  locate(from.racks.names, to.racks.names).forEach((toK, k) => {
    if (toK < 0) return;
    to.racks.verdict[toK] = from.racks.verdict[k]!;
    to.racks.at[toK] = from.racks.at[k]!;
  });
  countRacks(to);
}

/** Recounts the real servers that are down per rack. */
export function countRacks(s: State): void {
  s.racks.downAnywhere = s.servers.verdict.reduce((n, v) => n + (v === V.RS_DOWN ? 1 : 0), 0);
  s.racks.members.forEach((members, k) => (s.racks.down[k] = members.filter((j) => s.servers.verdict[j] === V.RS_DOWN).length));
}

function carryFlaps(from: State, to: State, nics: Where, servers: Where): void {
  const carry = (source: Flaps, target: Flaps, index: (k: number) => number) => {
    for (const [k, onsets] of source) if (index(k) >= 0) target.set(index(k), onsets);
  };
  carry(from.flaps.nic, to.flaps.nic, (i) => nics[i]!);
  carry(from.flaps.rs, to.flaps.rs, (j) => servers[j]!);
  carry(from.flaps.path, to.flaps.path, cellIndex(from, to, nics, servers));
}

function cellIndex(from: State, to: State, nics: Where, servers: Where): (c: number) => number {
  const m = from.topology.realServers.length;
  return (c) => {
    const i = nics[Math.floor(c / m)]!;
    const j = servers[c % m]!;
    return i < 0 || j < 0 ? -1 : i * to.topology.realServers.length + j;
  };
}

function carrySpending(source: Spending, target: Spending): void {
  target.times.push(...source.times);
  target.costs.push(...source.costs);
  target.sum = source.sum;
}

function carryGovernor(from: State, to: State, nics: Where, servers: Where): void {
  const a: Governor = from.governor;
  const b: Governor = to.governor;
  b.wanted.frozen = a.wanted.frozen;
  nics.forEach((toI, i) => {
    if (toI < 0) return;
    b.wanted.nicEnabled[toI] = a.wanted.nicEnabled[i]!;
    b.heldNic[toI] = a.heldNic[i]!;
  });
  keepNics(to);
  for (const j of a.activeServers) if (servers[j]! >= 0) b.activeServers.add(servers[j]!);
  const cell = cellIndex(from, to, nics, servers);
  for (const c of a.activePaths) if (cell(c) >= 0) b.activePaths.add(cell(c));
  carrySpending(a.spentAgent, b.spentAgent);
  locate(
    from.topology.services.map((v) => v.name),
    to.topology.services.map((v) => v.name),
  ).forEach((toV, v) => {
    if (toV >= 0) carryService(from, to, v, toV, nics, servers);
  });
}

/** Fewer NICs allow fewer to be disabled: those come back that still have a carrier, then any. */
export function keepNics(s: State): void {
  const { nicEnabled } = s.wanted;
  const most = Math.min(Math.floor(s.rules.max_nics_fraction * nicEnabled.length), nicEnabled.length - 1);
  const out = [...nicEnabled.keys()].filter((i) => nicEnabled[i] === 0);
  out.sort((a, b) => Number(s.nics.carrier[a] === 0) - Number(s.nics.carrier[b] === 0) || a - b);
  for (const i of out.slice(0, Math.max(out.length - most, 0))) nicEnabled[i] = 1;
}

function carryService(from: State, to: State, v: number, toV: number, nics: Where, servers: Where): void {
  const [a, b] = [from.governor, to.governor];
  const old = from.topology.services[v]!;
  const next = to.topology.services[toV]!;
  carrySpending(a.spentService[v]!, b.spentService[toV]!);
  b.wanted.panic[toV] = a.wanted.panic[v]!;
  // The new state has everything in service: only what is not needs to be carried, and that is little or nothing.
  const [weight, held] = [a.wanted.weight[v]!, a.heldWeight[v]!];
  const [path, heldPath] = [a.wanted.path[v]!, a.heldPath[v]!];
  const width = old.realServers.length;
  const slices = old.nics.map((i, k) => [k, next.nics.indexOf(nics[i]!)] as const).filter(([, toK]) => toK >= 0);
  let position: Map<number, number> | undefined;
  for (let r = 0; r < width; r++) {
    const plain =
      weight[r] === 1 && held[r] === 0 && slices.every(([k]) => path[k * width + r] === 1 && heldPath[k * width + r] === 0);
    if (plain) continue;
    position ??= new Map(next.realServers.map((j, at) => [j, at]));
    const toR = position.get(servers[old.realServers[r]!]!);
    if (toR === undefined) continue;
    putWeight(b, toV, toR, weight[r]!);
    b.heldWeight[toV]![toR] = held[r]!;
    for (const [k, toK] of slices) {
      putPath(b, toV, toK, toR, path[k * width + r] === 1 ? 1 : 0);
      b.heldPath[toV]![toK * next.realServers.length + toR] = heldPath[k * width + r]!;
    }
  }
}
