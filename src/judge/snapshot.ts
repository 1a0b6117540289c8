/**
 * Warm restart: the state as JSON and back. Times are ages, because the clock of the next process may start anywhere. Real servers
 * are named by a hash of their key. The loss windows are not kept: they fill again before anything recovers because of them.
 */
import { FourlaneError } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import { AGENT_VERDICTS } from '../model/verdicts.ts';
import { type Columns, NIC_COLUMNS, RACK_COLUMNS, type Schema, SERVER_COLUMNS } from './columns.ts';
import type { Flaps, State } from './memory.ts';
import { countRacks, keepNics, locate } from './retopologise.ts';
import { restoreCells, saveCells } from './snapshot-cells.ts';
import { restoreGovernor, saveGovernor } from './snapshot-governor.ts';
import { Reader, type Saved } from './snapshot-reader.ts';
import { initial } from './initial.ts';

/** Version 2 names the columns, so that a file may lack one that is new; version 1 (before 2026-12) held them in a fixed order. */
const VERSION = 2;
const VERSION_1 = {
  nic: [
    ...['everGood', 'verdict', 'cause', 'hardFault', 'softFault', 'carrier'],
    ...['suspectSince', 'failSince', 'partialSince', 'lossySince', 'lossyFailSince', 'collapseSince', 'recoverSince'],
    ...['at', 'carrierT', 'netdownFirst', 'netdownLast', 'suspectT', 'born'],
  ],
  rs: ['verdict', 'cause', 'faulty', 'since', 'at', 'goodT', 'rampT', 'born'],
} as const;
const AGENT = ['', ...AGENT_VERDICTS] as const;

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
    dataplane: nics.dataplane.map((samples) => samples.flatMap((x) => [Math.round(now - x.t), x.rx, x.tx, x.ratio])),
    anchors: s.topology.nics.map((n, i) =>
      n.anchors.map((id, a) => {
        const k = anchors.start[i]! + a;
        return [id, anchors.link[k]!, anchors.streak[k]!, anchors.outcome[k]!, age(anchors.t[k]!), age(anchors.linkT[k]!)];
      }),
    ),
    rs: saveColumns(SERVER_COLUMNS, servers, age),
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
  const version = r.finiteOf('v', 0, 1e9);
  if (version !== 1 && version !== VERSION) throw new RangeError(`version ${version} is not 1 or ${VERSION}`);
  const names = r.strings('nics');
  const keys = r.strings('realServers');
  const toNic = locate(
    names,
    s.topology.nics.map((n) => n.name),
  );
  const toServer = locate(keys, [...hashedKeys(s.topology)]);
  const { now } = s.clock;
  s.clock.hold = r.finiteOf('hold', 1, Number.MAX_VALUE);
  restoreAgent(s, r, grace);
  const restart = grace > 0;
  restoreColumns(s, columnsOf(r, 'nic', version), NIC_COLUMNS, s.nics, toNic, restart);
  restoreColumns(s, columnsOf(r, 'rs', version), SERVER_COLUMNS, s.servers, toServer, restart);
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
    s.racks.verdict[k] = r.integer(verdict, ...RACK_COLUMNS.verdict.range!, 'racks');
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

/** The columns of a schema that a state file keeps. */
function saveColumns<S extends Schema>(schema: S, columns: Columns<S>, age: (t: number) => number | null): Saved {
  const kept = Object.entries(schema).filter(([, { saved }]) => saved !== undefined);
  return Object.fromEntries(
    kept.map(([name, { saved }]) => [name, saved === 'age' ? Array.from(columns[name]!, age) : [...columns[name]!]]),
  );
}

/** Saved columns by name, whatever the version. */
function columnsOf(r: Reader, name: 'nic' | 'rs', version: number): Reader {
  if (version !== 1) return r.child(name);
  const names = VERSION_1[name];
  const columns = r.list(name, names.length);
  return r.of(Object.fromEntries(names.map((column, k) => [column, columns[k]])));
}

/** Puts saved columns where their indices are now; a column that the file does not have yet keeps its first values. */
function restoreColumns<S extends Schema>(
  { clock }: State,
  r: Reader,
  schema: S,
  into: Columns<S>,
  where: readonly number[],
  restart: boolean,
): void {
  const hold = [0, clock.hold] as const;
  for (const [name, { saved, range = hold, newAtRestart }] of Object.entries(schema)) {
    if (saved === undefined || (newAtRestart === true && restart) || !r.has(name)) continue;
    const column = r.list(name, where.length);
    const read = (value: unknown) => {
      if (saved === 'age') return value === null ? 0 : r.time(value, name);
      return saved === 'plain' ? r.integer(value, ...range, name) : r.finite(value, ...range, name);
    };
    where.forEach((to, index) => to >= 0 && (into[name]![to] = read(column[index])));
  }
}

function restoreAgent(s: State, r: Reader, grace: number): void {
  const { agent, baseline, clock } = s;
  [baseline.results, baseline.lost, baseline.fall] = r.numbers(r.list('baseline', 3), 'baseline') as [number, number, number];
  s.servers.fall.forEach((fall, j) => (s.adaptedFall[j] = Math.max(fall, baseline.fall)));
  const [verdict, kindSince] = r.list('agent', 2);
  agent.verdict = AGENT[r.integer(verdict, 0, AGENT.length - 1, 'agent')]!;
  agent.kindSince = r.finite(kindSince, 0, Number.MAX_SAFE_INTEGER, 'agent');
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
