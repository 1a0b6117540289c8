/**
 * Random evidence: a small world, what goes wrong in it, and every observation pass by pass. The same seed gives the same
 * sequence.
 */
import {
  type DataplaneFact,
  type FleetFact,
  type LinkFact,
  linkFact,
  type Observation,
  type ResultBatch,
  type RoutingFact,
} from '../../src/model/facts.ts';
import { L7, LATE, LOCAL_ERROR, NETDOWN, OK, OK_SLOW, REFUSED, TIMEOUT, UNREACHABLE } from '../../src/model/outcome.ts';
import type { JudgeRealServer, JudgeService, Topology } from '../../src/model/topology.ts';
import { randomFrom } from './world.ts';

/** One result: NIC, real server or -(anchor + 1), outcome, time. */
export type Result = readonly [nic: number, target: number, outcome: number, t: number];

export interface PassFacts {
  readonly now: number;
  readonly results: Result[];
  readonly observations: readonly Observation[];
}

export interface Sequence {
  readonly seed: number;
  readonly topology: Topology;
  readonly passes: readonly PassFacts[];
}

/** R14 in seconds, in small worlds. */
const FLEET_RULES = {
  fleet_hold_rounds: 0.3,
  fleet_hold_ms: 200,
  fleet_ill_min_real_servers: 1,
  fleet_fresh_ms: 2500,
  fleet_memory_ms: 4000,
};

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const upTo = (n: number) => Array.from({ length: n }, (_, k) => k);

/** Recovery in seconds instead of minutes, budgets that bite in small worlds. */
function rules(random: Random): Record<string, number> {
  return {
    nic_recover_ms: pick(random, [600, 2000]),
    nic_hold_down_ms: pick(random, [500, 2000]),
    rs_hold_down_ms: pick(random, [500, 2000]),
    flap_window_ms: pick(random, [8000, 60_000]),
    flap_limit: pick(random, [2, 4]),
    slow_start_ms: pick(random, [0, 2000]),
    max_nics_fraction: pick(random, [0.5, 0.5, 1]),
    budget_window_ms: pick(random, [1000, 5000]),
    budget_real_servers: pick(random, [1, 2, 500]),
    lossy_window_rounds: pick(random, [2, 3, 10]),
    lossy_min_results: 5,
    ...FLEET_RULES,
    routing_fresh_ms: 2500,
  };
}

function services(random: Random, n: number, m: number): Topology['services'] {
  return upTo(1 + Math.floor(random() * 2)).map((v) => {
    const nics = upTo(n).filter((i) => i === v % n || random() < 0.7);
    const realServers = upTo(m).filter((j) => j === v % m || random() < 0.8);
    return { name: `s${v}`, nics, realServers, panic: pick(random, [0, 0.5, 0.8]) };
  });
}

export function randomTopology(random: Random): Topology {
  const n = 1 + Math.floor(random() * 3);
  const m = 1 + Math.floor(random() * 6);
  const racks = random() < 0.4;
  const shared = random() < 0.15;
  const own = random() < 0.3;
  const anchors = random() < 0.8;
  const server = (j: number): JudgeRealServer => ({
    id: `r${j}`,
    key: `k${j}`,
    ...(racks ? { rack: j % 2 === 0 ? 'a' : 'b' } : {}),
    ...(own && j % 2 === 0 ? { intervalMs: 500, timeoutMs: 250, fall: 2, rise: 1 } : {}),
  });
  return {
    intervalMs: 1000,
    timeoutMs: 500,
    fall: pick(random, [1, 2, 3]),
    rise: pick(random, [1, 2]),
    nics: upTo(n).map((i) => ({ name: `n${i}`, group: shared && i > 0 ? 'g1' : `g${i}`, anchors: anchors ? [`a${i}`] : [] })),
    realServers: upTo(m).map(server),
    services: services(random, n, m),
    rules: rules(random),
  };
}

const BAD = [TIMEOUT, TIMEOUT, REFUSED, L7, UNREACHABLE, OK_SLOW];
const ANY = [OK, OK, OK_SLOW, REFUSED, L7, TIMEOUT, UNREACHABLE, NETDOWN, LOCAL_ERROR, LATE];
const MOODS = [
  'fine',
  'fine',
  'nic',
  'rs',
  'nic+rs',
  'all',
  'isolated',
  'partial',
  'noise',
  'lossy',
  'stall',
  'carrier',
  'silent row',
  'mix',
] as const;

/** What one stretch of time is like. */
interface Mood {
  readonly kind: (typeof MOODS)[number];
  readonly nic: number;
  readonly rs: number;
  readonly outcome: number;
}

function outcomeIn(mood: Mood, random: Random, i: number, j: number): number | undefined {
  const hit = { nic: i === mood.nic, rs: j === mood.rs };
  switch (mood.kind) {
    case 'fine':
      return OK;
    case 'nic':
      return hit.nic ? TIMEOUT : OK;
    case 'rs':
      return hit.rs ? mood.outcome : OK;
    case 'nic+rs':
      return hit.nic ? TIMEOUT : hit.rs ? mood.outcome : OK;
    case 'all':
    case 'isolated':
      return mood.outcome;
    case 'partial':
      return hit.nic && j % 2 === mood.rs % 2 ? mood.outcome : OK;
    case 'noise':
      return random() < 0.3 ? pick(random, BAD) : OK;
    case 'lossy':
      return hit.nic && random() < 0.5 ? TIMEOUT : OK;
    case 'stall':
      return random() < 0.7 ? undefined : pick(random, [LATE, LOCAL_ERROR, OK]);
    case 'carrier':
      return hit.nic ? NETDOWN : OK;
    case 'silent row':
      return hit.nic ? (random() < 0.5 ? undefined : LOCAL_ERROR) : OK;
    case 'mix':
      return pick(random, ANY);
  }
}

/** In a third of the worlds some real servers have several checks; with random numbers of its own, so that all else stays. */
function withSeveralChecks(t: Topology, random: Random): Topology {
  if (random() < 0.67) return t;
  const services = t.services.map((v) => {
    const realServers: number[] = [];
    const further = new Map<number, number[]>();
    for (const server of v.realServers) {
      if (realServers.length === 0 || random() < 0.5) realServers.push(server);
      else further.set(realServers.length - 1, [...(further.get(realServers.length - 1) ?? []), server]);
    }
    const combine = random() < 0.5 ? ({ combine: 'any' } as const) : {};
    return { ...v, realServers, ...(further.size === 0 ? {} : { further, ...combine }) };
  });
  return { ...t, services };
}

/** A service whose checks have other indices; those without one are gone, and a real server without any with them. */
export function remapped(v: JudgeService, to: (server: number) => readonly number[]): JudgeService {
  const { further: _, ...rest } = v;
  const members = v.realServers.map((server, r) => [server, ...(v.further?.get(r) ?? [])].flatMap(to));
  const left = members.filter((checks) => checks.length > 0);
  const further = new Map(left.flatMap((checks, r) => (checks.length > 1 ? [[r, checks.slice(1)] as const] : [])));
  return { ...rest, realServers: left.map(([first]) => first!), ...(further.size === 0 ? {} : { further }) };
}

/** About 60 passes. */
export function randomSequence(seed: number): Sequence {
  const random = randomFrom(seed);
  const topology = withSeveralChecks(randomTopology(random), randomFrom(seed ^ 0x3c6ef372));
  const n = topology.nics.length;
  const m = topology.realServers.length;
  const step = pick(random, [100, 200, 200]);
  const density = step === 100 ? 0.25 : 0.45;
  const passes: PassFacts[] = [];
  const carrier = new Int8Array(n).fill(1);
  let mood: Mood = { kind: random() < 0.8 ? 'fine' : pick(random, MOODS), nic: 0, rs: 0, outcome: TIMEOUT };
  let left = 8;
  for (let now = step; now <= step * 60; now += step) {
    if (left-- <= 0) {
      mood = {
        kind: pick(random, MOODS),
        nic: Math.floor(random() * n),
        rs: Math.floor(random() * m),
        outcome: pick(random, BAD),
      };
      left = 6 + Math.floor(random() * 18);
    }
    const at = now - Math.floor(random() * step);
    passes.push({
      now: random() < 0.02 ? now + step - 1 : now,
      results: results(topology, mood, random, at, density),
      observations: [
        ...links(mood, random, carrier, at),
        ...(random() < 0.1 ? upTo(n).map((nic) => dataplane(random, nic, at)) : []),
      ],
    });
  }
  const heard = withFleet(passes, topology, randomFrom(seed ^ 0x6a09e667));
  return { seed, topology, passes: withRouting(heard, topology, randomFrom(seed ^ 0x1f83d9ab)) };
}

/**
 * In a quarter of the worlds without racks others speak too; with random numbers of its own, so that all else stays. (Racks fail
 * rarely enough as it is.)
 */
function withFleet(passes: readonly PassFacts[], { realServers }: Topology, random: Random): PassFacts[] {
  if (random() < 0.75 || realServers.some(({ rack }) => rack !== undefined)) return [...passes];
  const m = realServers.length;
  let bad = 0;
  let left = 0;
  return passes.map((p) => {
    if (left-- <= 0) {
      left = 10 + Math.floor(random() * 30);
      bad = pick(random, [0, 0, 0, 1, 0.5]);
    }
    if (random() < 0.8 || bad === 0.5) return p;
    return { ...p, observations: [...p.observations, fleetFact(random, m, bad, p.now)] };
  });
}

/** What daemons show of a NIC for a while: session, and BFD where its peer has it. */
const ROUTING: readonly Pick<RoutingFact, 'session' | 'bfd'>[] = [
  { session: 1, bfd: 1 },
  { session: 1, bfd: 1 },
  { session: 1, bfd: 0 },
  { session: 0, bfd: 0 },
  { session: 0, bfd: 1 },
  { session: 1 },
];

/** In a quarter of the worlds without racks routing daemons are read too: as `withFleet`. */
function withRouting(passes: readonly PassFacts[], topology: Topology, random: Random): PassFacts[] {
  if (random() < 0.75 || topology.realServers.some(({ rack }) => rack !== undefined)) return [...passes];
  const nics = topology.nics.length;
  const shown = upTo(nics).map(() => ROUTING[0]!);
  return passes.map((p) => {
    if (random() < 0.7) return p;
    const nic = Math.floor(random() * nics);
    if (random() < 0.3) shown[nic] = pick(random, ROUTING);
    const fact: RoutingFact = { kind: 'routing', t: p.now, measuredAt: p.now, nic, ...shown[nic]! };
    return { ...p, observations: [...p.observations, fact] };
  });
}

/** `bad`: share of the witnesses that find a real server bad. */
function fleetFact(random: Random, m: number, bad: number, t: number): FleetFact {
  const witnesses = pick(random, [2, 3, 5, 16]);
  const servers = upTo(m).filter(() => bad > 0 || random() < 0.2);
  return {
    kind: 'fleet',
    t,
    measuredAt: t,
    witnesses,
    servers,
    bad: servers.map(() => (random() < 0.8 ? Math.round(bad * witnesses) : Math.floor(random() * witnesses))),
    unknown: servers.map(() => (random() < 0.1 ? 1 : 0)),
  };
}

/** The pass before which a restart or a reload comes. */
export function middle({ seed, passes }: Sequence): number {
  return 5 + (seed % (passes.length - 10));
}

function results(t: Topology, mood: Mood, random: Random, at: number, density: number): Result[] {
  const out: Result[] = [];
  t.nics.forEach((nic, i) => {
    for (let j = 0; j < t.realServers.length; j++) {
      const outcome = random() < density ? outcomeIn(mood, random, i, j) : undefined;
      if (outcome !== undefined) out.push([i, j, outcome, at]);
    }
    nic.anchors.forEach((_, a) => {
      const dead =
        mood.kind === 'isolated' || (i === mood.nic && (mood.kind === 'carrier' || (mood.kind === 'nic' && mood.rs % 2 === 0)));
      if (random() < 0.6 && mood.kind !== 'stall') out.push([i, -a - 1, dead ? TIMEOUT : OK, at]);
    });
  });
  return out;
}

function links(mood: Mood, random: Random, carrier: Int8Array, t: number): LinkFact[] {
  const out: LinkFact[] = [];
  carrier.forEach((up, nic) => {
    const wanted = mood.kind === 'carrier' && nic === mood.nic ? (random() < 0.8 ? 0 : 1) : 1;
    if (wanted === up || (mood.kind === 'fine' && random() < 0.3)) return;
    carrier[nic] = wanted;
    out.push(linkFact(nic, wanted === 0 ? 0 : 1, t));
  });
  return out;
}

function dataplane(random: Random, nic: number, t: number): DataplaneFact {
  const busy = random() < 0.7;
  const [rxPps, txPps] = busy ? [1000, 900] : [10, 10];
  // Some come from a source that can be asked, and are of a time before.
  const asked = nic % 2 === 0 ? ({ overMs: 1000, onRequest: true } as const) : {};
  return { kind: 'dataplane', t, measuredAt: t, nic, rxPps, txPps, answeredRatio: random() < 0.7 ? 0.97 : 0.2, ...asked };
}

/** Puts the results of a pass into a batch. */
export function fill(batch: ResultBatch, rows: readonly Result[]): ResultBatch {
  rows.forEach(([nic, target, outcome, t], k) => {
    batch.nic[k] = nic;
    batch.target[k] = target;
    batch.outcome[k] = outcome;
    batch.t[k] = t;
  });
  batch.count = rows.length;
  return batch;
}

/** The same world with NICs, real servers and services in another order, and the same evidence. */
export function permuted(s: Sequence): Sequence {
  const random = randomFrom(s.seed ^ 0x5bd1e995);
  const shuffle = (n: number) => {
    const order = upTo(n);
    for (let k = n - 1; k > 0; k--) {
      const r = Math.floor(random() * (k + 1));
      [order[k], order[r]] = [order[r]!, order[k]!];
    }
    return order;
  };
  const { topology: t } = s;
  const nicOrder = shuffle(t.nics.length);
  const rsOrder = shuffle(t.realServers.length);
  const toNic = nicOrder.map((_, i) => nicOrder.indexOf(i));
  const toRs = rsOrder.map((_, j) => rsOrder.indexOf(j));
  return {
    seed: s.seed,
    topology: {
      ...t,
      nics: nicOrder.map((i) => t.nics[i]!),
      realServers: rsOrder.map((j) => t.realServers[j]!),
      services: t.services.map((v) => ({
        ...remapped(v, (j) => [toRs[j]!]),
        nics: v.nics.map((i) => toNic[i]!),
      })),
    },
    passes: s.passes.map((p) => ({
      now: p.now,
      results: p.results.map(([i, target, outcome, at]): Result => [toNic[i]!, target < 0 ? target : toRs[target]!, outcome, at]),
      observations: p.observations.map((f) =>
        f.kind === 'fleet' ? { ...f, servers: f.servers.map((server) => toRs[server]!) } : { ...f, nic: toNic[f.nic]! },
      ),
    })),
  };
}
