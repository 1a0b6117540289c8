/** The wanted state in a snapshot: only what is not plainly enabled, by names. */
import { LIMITS } from '../model/limits.ts';
import { putPath, putWeight, type Spending } from './governor-state.ts';
import type { State } from './memory.ts';
import type { Reader, Saved } from './snapshot-reader.ts';

const NAMES = ['nics', 'weights', 'paths', 'servers', 'cells', 'spent', 'spentService', 'panic'];

export function saveGovernor(s: State): Saved {
  const { governor: g, topology } = s;
  const age = (x: Spending) => x.times.flatMap((t, k) => [Math.round(s.clock.now - t), x.costs[k]!]);
  const weights: unknown[] = [];
  const paths: unknown[] = [];
  topology.services.forEach((service, v) => {
    const width = service.realServers.length;
    service.realServers.forEach((j, r) => {
      const [weight, held] = [g.wanted.weight[v]![r]!, g.heldWeight[v]![r]!];
      if (weight !== 1 || held !== 0) weights.push([service.name, j, weight, held]);
      service.nics.forEach((i, k) => {
        const [on, heldPath] = [g.wanted.path[v]![k * width + r]!, g.heldPath[v]![k * width + r]!];
        if (on !== 1 || heldPath !== 0) paths.push([service.name, i, j, on, heldPath]);
      });
    });
  });
  return {
    nics: [[...g.wanted.nicEnabled], [...g.heldNic]],
    weights,
    paths,
    servers: [...g.activeServers],
    cells: [...g.activePaths],
    spent: age(g.spentAgent),
    spentService: g.spentService.flatMap((x, v) => (x.times.length > 0 ? [[topology.services[v]!.name, ...age(x)]] : [])),
    panic: topology.services.flatMap((service, v) => (g.wanted.panic[v] === 1 ? [service.name] : [])),
  };
}

/** `server` and `nic` give the index here of an index in the snapshot, below 0 = gone; `m` is how many real servers that had. */
export function restoreGovernor(
  s: State,
  reader: Reader,
  server: (j: number) => number,
  nic: (i: number) => number,
  m: number,
): void {
  const r = reader.child('governor');
  r.only(NAMES);
  const { governor: g, topology } = s;
  const services = new Map(topology.services.map((x, v) => [x.name, v]));
  const position = topology.services.map((x) => new Map(x.realServers.map((j, k) => [j, k])));
  g.wanted.frozen = s.agent.verdict;
  const held = (x: unknown) => r.integer(x, 0, LIMITS.length - 1, 'governor');
  const spending = (x: Spending, values: readonly number[]) => {
    for (let k = 0; k + 1 < values.length; k += 2) {
      x.times.push(s.clock.now - values[k]!);
      x.costs.push(values[k + 1]!);
      x.sum += values[k + 1]!;
    }
  };
  const [on, heldNics] = r.list('nics', 2).map((x) => r.numbers(x, 'nics')) as [readonly number[], readonly number[]];
  on.forEach((value, i) => {
    if (nic(i) < 0) return;
    g.wanted.nicEnabled[nic(i)] = r.integer(value, 0, 1, 'nics');
    g.heldNic[nic(i)] = held(heldNics[i]);
  });
  for (const entry of r.list('weights')) {
    const [name, j, weight, limit] = r.tuple(entry, 4, 'weights');
    const v = services.get(String(name));
    const at = v === undefined ? undefined : position[v]!.get(server(r.integer(j, 0, m - 1, 'weights')));
    if (v === undefined || at === undefined) continue;
    putWeight(g, { service: v, position: at }, r.finite(weight, 0, 1, 'weights'));
    g.heldWeight[v]![at] = held(limit);
  }
  for (const entry of r.list('paths')) {
    const [name, i, j, enabled, limit] = r.tuple(entry, 5, 'paths');
    const v = services.get(String(name));
    const at = v === undefined ? undefined : position[v]!.get(server(r.integer(j, 0, m - 1, 'paths')));
    const k = v === undefined ? -1 : topology.services[v]!.nics.indexOf(nic(r.integer(i, 0, on.length - 1, 'paths')));
    if (v === undefined || at === undefined || k < 0) continue;
    putPath(g, { service: v, slice: k, position: at }, r.integer(enabled, 0, 1, 'paths') === 1 ? 1 : 0);
    g.heldPath[v]![k * position[v]!.size + at] = held(limit);
  }
  for (const j of r.numbers(r.list('servers'), 'servers')) if (server(j) >= 0) g.activeServers.add(server(j));
  for (const c of r.numbers(r.list('cells'), 'cells')) {
    const [i, j] = [nic(Math.floor(c / m)), server(c % m)];
    if (i >= 0 && j >= 0) g.activePaths.add(i * topology.realServers.length + j);
  }
  spending(g.spentAgent, r.numbers(r.list('spent'), 'spent'));
  for (const entry of r.list('spentService')) {
    const [name, ...values] = r.array(entry, 'spentService');
    const v = services.get(String(name));
    if (v !== undefined) spending(g.spentService[v]!, r.numbers(values, 'spentService'));
  }
  for (const name of r.strings('panic')) {
    const v = services.get(name);
    if (v !== undefined) g.wanted.panic[v] = 1;
  }
}
