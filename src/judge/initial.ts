/** A judge that knows nothing yet. */
import { resolveRules } from '../model/rules.ts';
import type { Topology } from '../model/topology.ts';
import {
  allocate,
  ANCHOR_COLUMNS,
  CELL_COLUMNS,
  COLUMN_SCAN,
  NIC_COLUMNS,
  RACK_COLUMNS,
  ROW_SCAN,
  SERVER_COLUMNS,
} from './columns.ts';
import { allocateGovernor } from './governor-state.ts';
import { type Anchors, bucketAt, type Nics, type Racks, type RealServers, type State } from './memory.ts';

function makeAnchors({ nics }: Topology): Anchors {
  const start = new Int32Array(nics.length + 1);
  nics.forEach((nic, index) => (start[index + 1] = start[index]! + nic.anchors.length));
  return { start, ...allocate(ANCHOR_COLUMNS, start[nics.length]!) };
}

function makeNics({ nics }: Topology, now: number): Nics {
  const groups = [...new Set(nics.map((nic) => nic.group))];
  const columns = allocate(NIC_COLUMNS, nics.length);
  columns.group.set(nics.map((nic) => groups.indexOf(nic.group)));
  columns.alone.fill(groups.length > 1 ? 0 : 1);
  columns.born.fill(now);
  return { ...columns, dataplane: nics.map(() => []) };
}

function makeRacks({ realServers }: Topology): Racks {
  const names = [...new Set(realServers.flatMap((server) => server.rack ?? []))];
  const index = new Map(names.map((name, rack) => [name, rack]));
  const members: number[][] = names.map(() => []);
  realServers.forEach(({ rack }, server) => rack !== undefined && members[index.get(rack)!]!.push(server));
  return { ...allocate(RACK_COLUMNS, names.length), names, members, downAnywhere: 0 };
}

function makeServers(topology: Topology, racks: Racks, staleRounds: number, now: number): RealServers {
  const { realServers } = topology;
  const columns = allocate(SERVER_COLUMNS, realServers.length);
  realServers.forEach((server, index) => {
    columns.interval[index] = server.intervalMs ?? topology.intervalMs;
    columns.timeout[index] = server.timeoutMs ?? topology.timeoutMs;
    const usual = columns.interval[index]! * (1 + staleRounds) + columns.timeout[index]!;
    columns.limit[index] = Math.max(usual, server.checker?.firstMs ?? 0);
    columns.fall[index] = server.fall ?? topology.fall;
    columns.rise[index] = server.rise ?? topology.rise;
  });
  columns.rack.fill(-1);
  racks.members.forEach((members, rack) => members.forEach((server) => (columns.rack[server] = rack)));
  columns.born.fill(now);
  return columns;
}

/**
 * A judge that knows nothing yet, started at `now` (ms). Until every cell had `fall` chances nothing but carrier, blindness and a
 * total failure is judged. Throws RangeError for an unknown or impossible rule override.
 */
export function initial(topology: Topology, now: number): State {
  const rules = resolveRules(topology.rules);
  const nicCount = topology.nics.length;
  const serverCount = topology.realServers.length;
  const racks = makeRacks(topology);
  const servers = makeServers(topology, racks, rules.stale_rounds, now);
  const { fall, interval, timeout } = servers;
  const cold = fall.reduce((most, chances, server) => {
    const { checker } = topology.realServers[server]!;
    return Math.max(most, checker?.firstMs ?? chances * interval[server]! + timeout[server]!);
  }, 0);
  const governor = allocateGovernor(topology, { by: servers.weightBy, value: servers.weightValue });
  return {
    topology,
    rules,
    cells: allocate(CELL_COLUMNS, nicCount * serverCount),
    anchors: makeAnchors(topology),
    nics: makeNics(topology, now),
    servers,
    racks,
    scan: {
      ...allocate(ROW_SCAN, nicCount),
      ...allocate(COLUMN_SCAN, serverCount),
      eligible: 0,
      blind: 0,
      local: 0,
      weighed: 0,
      lastPass: now,
      missed: 0,
    },
    agent: {
      verdict: '',
      at: now,
      kindSince: 0,
      coldUntil: now + cold,
      settleUntil: 0,
      excusedUntil: 0,
      stormAt: Number.NEGATIVE_INFINITY,
      stormSeen: Number.NEGATIVE_INFINITY,
    },
    clock: {
      now,
      hold: 1,
      bucket: bucketAt(topology.intervalMs, rules.lossy_window_rounds, now),
      turnedAt: now,
      windowFrom: now,
    },
    governor,
    wanted: governor.wanted,
    flaps: { nic: new Map(), rs: new Map(), path: new Map() },
    baseline: { results: 0, lost: 0, fall: 0 },
    adaptedFall: fall.slice(),
    checkers: new Uint32Array(topology.realServers.some(({ checker }) => checker) ? nicCount * serverCount : 0),
    fleet: undefined,
  };
}
