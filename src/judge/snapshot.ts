/**
 * Warm restart: the state as JSON and back. Times are ages, because the clock of the next process may start anywhere. Real servers
 * are named by a hash of their key. The loss windows are not kept: they fill again before anything recovers because of them.
 */
import { FourlaneError } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import type { Flaps, State } from './memory.ts';
import { countRacks, keepNics, locate } from './retopologise.ts';
import { restoreCells, saveCells } from './snapshot-cells.ts';
import { restoreGovernor, saveGovernor } from './snapshot-governor.ts';
import { Reader, type Saved } from './snapshot-reader.ts';
import { initial } from './initial.ts';

const VERSION = 1;
const AGENT = ['', 'ALL_RS_DOWN', 'AGENT_ISOLATED', 'AGENT_STALLED'] as const;
/** Columns kept per NIC and per real server: plain values, and times (kept as ages; 0 = none). */
const NIC_PLAIN = [
  ['everGood', 1],
  ['verdict', 12],
  ['cause', 9],
  ['hardFault', 1],
  ['softFault', 1],
] as const;
const NIC_TIMES = ['at', 'carrierT', 'netdownFirst', 'netdownLast', 'suspectT', 'born'] as const;
const NIC_SINCE = [
  'suspectSince',
  'failSince',
  'partialSince',
  'lossySince',
  'lossyFailSince',
  'collapseSince',
  'recoverSince',
] as const;
const SERVER_PLAIN = [
  ['verdict', 12],
  ['cause', 9],
  ['faulty', 1],
] as const;
const SERVER_TIMES = ['at', 'goodT', 'rampT', 'born'] as const;

/** 53-bit hash of a key, as text: names a real server in 11 characters. */
export function hashKey(key: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let k = 0; k < key.length; k++) {
    const ch = key.charCodeAt(k);
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
    made = topology.realServers.map((r) => hashKey(r.key));
    hashed.set(topology, made);
  }
  return made;
}

/** The whole memory as plain JSON values; its ages count from the last pass. */
export function toSnapshot(s: State): Saved {
  const { now } = s.clock;
  const age = (t: number) => (t === 0 || !Number.isFinite(t) ? null : Math.round(now - t));
  const flaps = (f: Flaps) => [...f].map(([k, onsets]) => [k, ...onsets.map((t) => Math.round(now - t))]);
  const { nics, servers, racks, anchors, agent, clock, baseline } = s;
  return {
    v: VERSION,
    nics: s.topology.nics.map((n) => n.name),
    realServers: hashedKeys(s.topology),
    hold: clock.hold,
    baseline: [baseline.n, baseline.lost, baseline.fall],
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
    nic: [
      ...NIC_PLAIN.map(([name]) => [...nics[name]]),
      [...nics.carrier],
      ...NIC_SINCE.map((name) => [...nics[name]]),
      ...NIC_TIMES.map((name) => [...nics[name]].map(age)),
    ],
    dataplane: nics.dataplane.map((samples) => samples.flatMap((x) => [Math.round(now - x.t), x.rx, x.tx, x.ratio])),
    anchors: s.topology.nics.map((n, i) =>
      n.anchors.map((id, a) => {
        const k = anchors.start[i]! + a;
        return [id, anchors.link[k]!, anchors.streak[k]!, anchors.outcome[k]!, age(anchors.t[k]!), age(anchors.linkT[k]!)];
      }),
    ),
    rs: [
      ...SERVER_PLAIN.map(([name]) => [...servers[name]]),
      [...servers.since],
      ...SERVER_TIMES.map((name) => [...servers[name]].map(age)),
    ],
    racks: racks.names.map((name, k) => [name, racks.verdict[k]!, age(racks.at[k]!)]),
    flaps: [flaps(s.flaps.nic), flaps(s.flaps.rs), flaps(s.flaps.path)],
    cells: saveCells(s),
    governor: saveGovernor(s),
  };
}

/**
 * The state for `topology`, taken up from a snapshot: as after a reload, what has the same name or key keeps its past. Missing results
 * are excused for `graceMs` (default: the longest time a cell may be without result), so that an unchanged world changes nothing; 0 when
 * the judge never stopped. Throws FourlaneError STATE_DAMAGED saying what is wrong with the snapshot.
 */
export function fromSnapshot(topology: Topology, json: unknown, now: number, graceMs?: number): State {
  const s = initial(topology, now);
  const grace = graceMs ?? s.servers.limit.reduce((m, limit) => Math.max(m, limit), 0);
  try {
    const r = new Reader(json, now);
    restore(s, r, grace);
  } catch (error) {
    if (error instanceof RangeError)
      throw new FourlaneError('STATE_DAMAGED', `saved judge state: ${error.message}`, { cause: error });
    throw error;
  }
  return s;
}

function restore(s: State, r: Reader, grace: number): void {
  r.only([
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
  ]);
  if (r.number('v', 0, 1e9) !== VERSION) throw new RangeError(`version ${r.number('v', 0, 1e9)} is not ${VERSION}`);
  const names = r.strings('nics');
  const keys = r.strings('realServers');
  const toNic = locate(
    names,
    s.topology.nics.map((n) => n.name),
  );
  const toServer = locate(keys, [...hashedKeys(s.topology)]);
  const { now } = s.clock;
  s.clock.hold = r.number('hold', 1, Number.MAX_VALUE);
  restoreAgent(s, r, grace);
  const nicColumns = r.columns('nic', NIC_PLAIN.length + 1 + NIC_SINCE.length + NIC_TIMES.length, names.length);
  NIC_PLAIN.forEach(([name, max]) => nicColumns.plain(s.nics[name], toNic, 0, max));
  nicColumns.plain(s.nics.carrier, toNic, -1, 1);
  NIC_SINCE.forEach((name) => nicColumns.plain(s.nics[name], toNic, 0, s.clock.hold));
  NIC_TIMES.forEach((name) => (name === 'born' && grace > 0 ? nicColumns.skip() : nicColumns.times(s.nics[name], toNic)));
  const rsColumns = r.columns('rs', SERVER_PLAIN.length + 1 + SERVER_TIMES.length, keys.length);
  SERVER_PLAIN.forEach(([name, max]) => rsColumns.plain(s.servers[name], toServer, 0, max));
  rsColumns.plain(s.servers.since, toServer, 0, s.clock.hold);
  SERVER_TIMES.forEach((name) => (name === 'born' && grace > 0 ? rsColumns.skip() : rsColumns.times(s.servers[name], toServer)));
  restoreAnchors(s, r, toNic);
  r.list('dataplane', names.length).forEach((samples, i) => {
    const values = r.numbers(samples, 'dataplane');
    for (let k = 0; toNic[i]! >= 0 && k + 3 < values.length; k += 4) {
      s.nics.dataplane[toNic[i]!]!.push({ t: now - values[k]!, rx: values[k + 1]!, tx: values[k + 2]!, ratio: values[k + 3]! });
    }
  });
  for (const entry of r.list('racks')) {
    const [name, verdict, at] = r.tuple(entry, 3, 'racks');
    const k = s.racks.names.indexOf(String(name));
    if (k < 0) continue;
    s.racks.verdict[k] = r.integer(verdict, 0, 12, 'racks');
    s.racks.at[k] = at === null ? 0 : r.time(at, 'racks');
  }
  const m = keys.length;
  const cell = (c: number) => {
    const [i, j] = [toNic[Math.floor(c / m)] ?? -1, toServer[c % m] ?? -1];
    return i < 0 || j < 0 ? -1 : i * s.topology.realServers.length + j;
  };
  restoreFlaps(s, r, [(i) => toNic[i] ?? -1, (j) => toServer[j] ?? -1, cell]);
  restoreCells(s, r, names.length * m, cell);
  restoreGovernor(
    s,
    r,
    (j) => toServer[j] ?? -1,
    (i) => toNic[i] ?? -1,
    m,
  );
  countRacks(s);
  keepNics(s);
}

function restoreAgent(s: State, r: Reader, grace: number): void {
  const { agent, baseline, clock } = s;
  [baseline.n, baseline.lost, baseline.fall] = r.numbers(r.list('baseline', 3), 'baseline') as [number, number, number];
  s.servers.fall.forEach((fall, j) => (s.adaptedFall[j] = Math.max(fall, baseline.fall)));
  const [verdict, kindSince] = r.list('agent', 2);
  agent.verdict = AGENT[r.integer(verdict, 0, AGENT.length - 1, 'agent')]!;
  agent.kindSince = r.integer(kindSince, 0, Number.MAX_SAFE_INTEGER, 'agent');
  const times = r.list('times', 8).map((x) => (x === null ? Number.NEGATIVE_INFINITY : r.time(x, 'times')));
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

function restoreAnchors(s: State, r: Reader, toNic: readonly number[]): void {
  r.list('anchors', toNic.length).forEach((row, i) => {
    for (const entry of r.array(row, 'anchors')) {
      const [id, link, streak, outcome, t, linkT] = r.tuple(entry, 6, 'anchors');
      const a = toNic[i]! < 0 ? -1 : s.topology.nics[toNic[i]!]!.anchors.indexOf(String(id));
      if (a < 0) continue;
      const k = s.anchors.start[toNic[i]!]! + a;
      s.anchors.link[k] = r.integer(link, 0, 2, 'anchors');
      s.anchors.streak[k] = r.integer(streak, -32_768, 32_767, 'anchors');
      s.anchors.outcome[k] = r.integer(outcome, 0, 255, 'anchors');
      s.anchors.t[k] = t === null ? 0 : r.time(t, 'anchors');
      s.anchors.linkT[k] = linkT === null ? Number.NEGATIVE_INFINITY : r.time(linkT, 'anchors');
    }
  });
}

function restoreFlaps(s: State, r: Reader, index: readonly ((k: number) => number)[]): void {
  const targets = [s.flaps.nic, s.flaps.rs, s.flaps.path];
  r.list('flaps', 3).forEach((entries, which) => {
    for (const entry of r.array(entries, 'flaps')) {
      const [k, ...ages] = r.numbers(entry, 'flaps');
      const to = index[which]!(k ?? -1);
      if (to >= 0)
        targets[which]!.set(
          to,
          ages.map((x) => s.clock.now - x),
        );
    }
  });
}
