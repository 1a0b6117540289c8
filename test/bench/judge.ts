/**
 * `node test/bench/judge.ts [--json]`: time of a judge pass and memory per cell, 2 NICs, for 1 000, 10 000 and 120 000 cells.
 * Each pass brings a tenth of the cells one new result (every cell once per interval). Three worlds: all good with 0.1 % loss;
 * one NIC lossy at 30 %; 40 % of the real servers dying at once in the middle. Between the passes a plain pass over as many
 * cells, for calibration. Prints p50, p99 and the worst pass, and what the judge named, as proof that it had to do what the world
 * says; memory is that of the judge's arrays.
 */
import { initial, judge } from '../../src/judge/judge.ts';
import { newBatch } from '../../src/model/facts.ts';
import { OK, TIMEOUT } from '../../src/model/outcome.ts';
import { randomFrom, topology } from '../judge/world.ts';
import { percentile, plainPass, timesOf } from './calibration.ts';

const PASSES = 400;
const WARM = 100;
/** Pass in which the real servers of the mass failure die. */
const EVENT = 150;
/**
 * After so many passes come as many plain ones: in blocks, so that they leave each other's cache alone, near enough for one
 * neighbour.
 */
const BLOCK = 25;

/** Outcome of a probe of NIC i and real server j in pass k. */
type World = (i: number, j: number, k: number, random: () => number) => number;

/** What one world took, times in ms. */
export interface Measured {
  readonly cells: number;
  readonly world: string;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Of the plain pass over as many cells. */
  readonly plain50: number;
  readonly plain99: number;
  readonly bytesPerCell: number;
  /** Real servers named down before the event and after it, and verdicts on NIC 0 or the whole agent. */
  readonly downBefore: number;
  readonly downAfter: number;
  readonly nicNamed: number;
  readonly agentNamed: number;
}

/** Bytes of all typed arrays in a value: the judge allocates hardly anything else. */
function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null || value instanceof Map || value instanceof Set) return 0;
  return Object.values(value).reduce((sum: number, x) => sum + bytesIn(x), 0);
}

function measure(cells: number, name: string): Measured {
  const world = worlds[name]!;
  const m = cells / 2;
  const services = Math.max(1, m / 100);
  const perService = m / services;
  const shape = topology({
    nics: 2,
    servers: m,
    rack: (j) => `r${j % 50}`,
    services: Array.from({ length: services }, (_, v) => ({
      name: `s${v}`,
      nics: [0, 1],
      realServers: Array.from({ length: perService }, (_, r) => v * perService + r),
      panic: 0.5,
    })),
  });
  const state = initial(shape, 0);
  const bytesPerCell = bytesIn(state) / cells;
  const random = randomFrom(7);
  const batch = newBatch(cells / 10 + 1);
  const times: number[] = [];
  const plain: number[] = [];
  const pass = plainPass(cells);
  timesOf(pass, WARM);
  const named = { downBefore: 0, downAfter: 0, nicNamed: 0, agentNamed: 0 };
  for (let k = 0; k < PASSES; k++) {
    const now = k * 100;
    batch.count = 0;
    for (let c = k % 10; c < cells; c += 10) {
      const i = c < m ? 0 : 1;
      const at = batch.count++;
      batch.nic[at] = i;
      batch.target[at] = c - i * m;
      batch.outcome[at] = world(i, c - i * m, k, random);
      batch.t[at] = now;
    }
    const start = process.hrtime.bigint();
    const { decisions } = judge(state, { results: batch, observations: [] }, now);
    if (k >= WARM) times.push(Number(process.hrtime.bigint() - start) / 1e6);
    if (k >= WARM && k % BLOCK === 0) plain.push(...timesOf(pass, BLOCK));
    for (const { subject, verdict } of decisions.transitions) {
      if (verdict === 'RS_DOWN') named[k > EVENT ? 'downAfter' : 'downBefore']++;
      else if (subject === 'nic' && verdict !== 'OK') named.nicNamed++;
      else if (subject === 'agent' && verdict !== 'OK') named.agentNamed++;
    }
  }
  const quantiles = { p50: percentile(times, 0.5), p99: percentile(times, 0.99), worst: Math.max(...times) };
  const calibration = { plain50: percentile(plain, 0.5), plain99: percentile(plain, 0.99) };
  return { cells, world: name, ...quantiles, ...calibration, bytesPerCell: Math.round(bytesPerCell), ...named };
}

const worlds: Readonly<Record<string, World>> = {
  healthy: (_i, _j, _k, random) => (random() < 0.001 ? TIMEOUT : OK),
  lossy: (i, _j, _k, random) => (random() < (i === 0 ? 0.3 : 0.001) ? TIMEOUT : OK),
  'mass failure': (_i, j, k) => (k > EVENT && j % 5 < 2 ? TIMEOUT : OK),
};

const rows = [1000, 10_000, 120_000].flatMap((cells) => Object.keys(worlds).map((world) => measure(cells, world)));
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
