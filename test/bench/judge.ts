/**
 * `node test/bench/judge.ts [--json]`: time of a judge pass and memory per cell, 2 NICs, for 1 000, 10 000 and 120 000 cells. Each pass brings
 * a tenth of the cells one new result (every cell once per interval). Three worlds: all good with 0.1 % loss; one NIC lossy at 30 %;
 * 40 % of the real servers dying at once in the middle. Prints p50, p99 and the worst pass; memory is that of the judge's arrays.
 */
import { initial, judge } from '../../src/judge/judge.ts';
import { newBatch } from '../../src/model/facts.ts';
import { OK, TIMEOUT } from '../../src/model/outcome.ts';
import { randomFrom, topology } from '../judge/world.ts';

const PASSES = 400;
const WARM = 100;

/** Outcome of a probe of NIC i and real server j in pass k. */
type World = (i: number, j: number, k: number, random: () => number) => number;

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly bytesPerCell: number;
}

/** Bytes of all typed arrays in a value: the judge allocates hardly anything else. */
function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null || value instanceof Map || value instanceof Set) return 0;
  return Object.values(value).reduce((sum: number, x) => sum + bytesIn(x), 0);
}

export function measure(cells: number, world: World): Measured {
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
    judge(state, { results: batch, observations: [] }, now);
    if (k >= WARM) times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  const at = (q: number) => times[Math.min(times.length - 1, Math.floor(q * times.length))]!;
  return { p50: at(0.5), p99: at(0.99), max: times.at(-1)!, bytesPerCell };
}

export const worlds: Readonly<Record<string, World>> = {
  healthy: (_i, _j, _k, random) => (random() < 0.001 ? TIMEOUT : OK),
  lossy: (i, _j, _k, random) => (random() < (i === 0 ? 0.3 : 0.001) ? TIMEOUT : OK),
  'mass failure': (_i, j, k) => (k > 150 && j % 5 < 2 ? TIMEOUT : OK),
};

if (import.meta.main) {
  const rows = [1000, 10_000, 120_000].flatMap((cells) =>
    Object.entries(worlds).map(([world, w]) => {
      const r = measure(cells, w);
      const ms = (x: number) => Number(x.toFixed(2));
      return {
        cells,
        world,
        'p50 ms': ms(r.p50),
        'p99 ms': ms(r.p99),
        'worst ms': ms(r.max),
        'bytes per cell': Math.round(r.bytesPerCell),
      };
    }),
  );
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
  else console.table(rows);
}
