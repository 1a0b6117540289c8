/** A judge that knows nothing yet. */
import { resolveRules } from '../model/rules.ts';
import type { Topology } from '../model/topology.ts';
import { allocateWanted } from './governor-state.ts';
import {
  type Anchors,
  bucketAt,
  BUCKETS,
  type Cells,
  NEVER,
  type Nics,
  type RealServers,
  type Scan,
  type State,
} from './memory.ts';

const never = (n: number) => new Float64Array(n).fill(Number.NEGATIVE_INFINITY);

function allocateCells(n: number): Cells {
  return {
    link: new Uint8Array(n),
    service: new Uint8Array(n),
    linkNow: new Uint8Array(n),
    serviceNow: new Uint8Array(n),
    linkStreak: new Int16Array(n),
    serviceStreak: new Int16Array(n),
    outcome: new Uint8Array(n).fill(NEVER),
    phase: new Uint8Array(n),
    cause: new Uint8Array(n),
    detail: new Int32Array(n),
    rttUs: new Uint32Array(n),
    elapsedUs: new Uint32Array(n),
    t: new Float64Array(n),
    linkT: never(n),
    serviceT: never(n),
    linkGoodT: never(n),
    serviceGoodT: never(n),
    goodOutcome: new Uint8Array(n).fill(NEVER),
    bucketN: new Uint8Array(n * BUCKETS),
    bucketLost: new Uint8Array(n * BUCKETS),
    bucketFlips: new Uint8Array(n * BUCKETS),
    windowN: new Uint16Array(n),
    windowLost: new Uint16Array(n),
    windowFlips: new Uint16Array(n),
    lastLoss: new Uint8Array(n),
    path: new Uint8Array(n),
    pathCause: new Uint8Array(n),
    pathAt: new Float64Array(n),
    pathSince: new Float64Array(n),
    pathFaulty: new Uint8Array(n),
  };
}

function allocateAnchors(topology: Topology): Anchors {
  const start = new Int32Array(topology.nics.length + 1);
  topology.nics.forEach((nic, i) => (start[i + 1] = start[i]! + nic.anchors.length));
  const n = start[topology.nics.length]!;
  return {
    start,
    link: new Uint8Array(n),
    streak: new Int16Array(n),
    outcome: new Uint8Array(n).fill(NEVER),
    t: new Float64Array(n),
    linkT: never(n),
  };
}

function allocateNics(topology: Topology, now: number): Nics {
  const n = topology.nics.length;
  const groups = [...new Set(topology.nics.map((nic) => nic.group))];
  const floats = () => new Float64Array(n);
  return {
    group: Int32Array.from(topology.nics, (nic) => groups.indexOf(nic.group)),
    alone: new Uint8Array(n).fill(groups.length > 1 ? 0 : 1),
    born: floats().fill(now),
    everGood: new Uint8Array(n),
    verdict: new Uint8Array(n),
    cause: new Uint8Array(n),
    at: floats(),
    carrier: new Int8Array(n).fill(-1),
    carrierT: floats(),
    netdownFirst: floats(),
    netdownLast: floats(),
    trusted: new Uint8Array(n),
    suspect: new Uint8Array(n),
    loss: floats(),
    rowLoss: floats(),
    lossyHint: new Uint8Array(n),
    suspectT: floats(),
    suspectSince: floats(),
    failSince: floats(),
    partialSince: floats(),
    lossySince: floats(),
    lossyFailSince: floats(),
    collapseSince: floats(),
    recoverSince: floats(),
    hardFault: new Uint8Array(n),
    softFault: new Uint8Array(n),
    dataplane: topology.nics.map(() => []),
  };
}

function allocateServers(topology: Topology, racks: ReadonlyMap<string, number>, staleRounds: number, now: number): RealServers {
  const rs = topology.realServers;
  const n = rs.length;
  const interval = Float64Array.from(rs, (r) => r.intervalMs ?? topology.intervalMs);
  const timeout = Float64Array.from(rs, (r) => r.timeoutMs ?? topology.timeoutMs);
  return {
    interval,
    timeout,
    limit: interval.map((t, j) => t * (1 + staleRounds) + timeout[j]!),
    fall: Int32Array.from(rs, (r) => r.fall ?? topology.fall),
    rise: Int32Array.from(rs, (r) => r.rise ?? topology.rise),
    rack: Int32Array.from(rs, (r) => (r.rack === undefined ? -1 : racks.get(r.rack)!)),
    born: new Float64Array(n).fill(now),
    verdict: new Uint8Array(n),
    cause: new Uint8Array(n),
    at: new Float64Array(n),
    since: new Float64Array(n),
    goodT: new Float64Array(n),
    faulty: new Uint8Array(n),
    rampT: new Float64Array(n),
  };
}

function allocateScan(n: number, m: number): Scan {
  const ints = () => new Int32Array(n);
  const floats = () => new Float64Array(n);
  return {
    witnesses: ints(),
    witnessRacks: new Uint8Array(n),
    failing: ints(),
    latestBad: ints(),
    rowValid: ints(),
    rowBad: ints(),
    rowService: ints(),
    rowServiceBad: ints(),
    rowServiceLatestBad: ints(),
    anchorsFresh: ints(),
    anchorsGood: ints(),
    anchorsBad: ints(),
    lossN: floats(),
    lossLost: floats(),
    lossFlips: floats(),
    lossReturns: floats(),
    lossCells: ints(),
    othersN: floats(),
    othersLost: floats(),
    goodGroup: new Int32Array(m),
    goodElsewhere: new Uint8Array(m),
    serviceGood: new Int32Array(m),
    serviceBad: new Int32Array(m),
    columnN: new Float64Array(m),
    columnLost: new Float64Array(m),
    eligible: 0,
    blind: 0,
  };
}

/**
 * A judge that knows nothing yet, started at `now`. Throws RangeError for an unknown or impossible rule override.
 * Until every cell had `fall` chances nothing but carrier, blindness and a total failure is judged.
 */
export function initial(topology: Topology, now: number): State {
  const rules = resolveRules(topology.rules);
  const n = topology.nics.length;
  const m = topology.realServers.length;
  const names = [...new Set(topology.realServers.flatMap((r) => r.rack ?? []))];
  const rackIndex = new Map(names.map((name, k) => [name, k]));
  const members: number[][] = names.map(() => []);
  topology.realServers.forEach((r, j) => r.rack !== undefined && members[rackIndex.get(r.rack)!]!.push(j));
  const servers = allocateServers(topology, rackIndex, rules.stale_rounds, now);
  let cold = 0;
  for (let j = 0; j < m; j++) cold = Math.max(cold, servers.fall[j]! * servers.interval[j]! + servers.timeout[j]!);
  const governor = allocateWanted(topology);
  return {
    topology,
    rules,
    cells: allocateCells(n * m),
    anchors: allocateAnchors(topology),
    nics: allocateNics(topology, now),
    servers,
    racks: {
      names,
      members,
      down: new Int32Array(names.length),
      downAnywhere: 0,
      verdict: new Uint8Array(names.length),
      at: new Float64Array(names.length),
    },
    scan: allocateScan(n, m),
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
    baseline: { n: 0, lost: 0, fall: 0 },
    adaptedFall: servers.fall.slice(),
  };
}
