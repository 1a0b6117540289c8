/**
 * Price of a scrape: 100 000 series with 5 labels, prom-client beside ours in one run, taking turns. Prints CPU (user + system) per scrape
 * and how memory grows over 1 000 scrapes. Run: `node test/bench/scrape.ts`.
 */
import { Gauge, Registry } from 'prom-client';
import { Exposition, type Format } from '../../src/metrics/exposition.ts';
import type { Family } from '../../src/model/family.ts';

const SERIES = 100_000;
const ROUNDS = 7;
/** Scrapes before memory is first looked at. No collection is forced at any time: what users see is what counts. */
const WARM_UP = 200;
const TARGET_MS = 40;
const TARGET_RATIO = 0.15;
const TARGET_GROWTH = 0.05;

const rows = Array.from({ length: SERIES }, (_, i) => [
  `svc-${i % 100}`,
  `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:8080`,
  i % 2 === 0 ? 'configured' : 'wanted',
]);
const values = new Float64Array(SERIES);
const family: Family = {
  name: 'fourlane_real_server_weight',
  help: 'Weight of the real server.',
  type: 'gauge',
  labelNames: ['service', 'real_server', 'kind'],
  rows,
  values,
};

/** A world that moves: `share` of the series get a new number, every tenth of those a fraction. */
function move(share: number): void {
  const step = Math.round(1 / share);
  for (let i = 0; i < SERIES; i += step)
    values[i] = Math.random() * 1e6 * (i % 10 === 0 ? 1 : 0) || Math.floor(Math.random() * 1e6);
}

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Renders and says at once that the body has been sent, as the server does. */
function scrape(format: Format = 'text'): number {
  const body = exposition.render([family], format);
  exposition.release(body);
  return body.length;
}

async function cpuMsAsync(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;

function verdict(name: string, value: number, limit: number, unit: string): boolean {
  const ok = value <= limit;
  console.log(`${ok ? 'pass' : 'FAIL'}  ${name}: ${value.toFixed(3)}${unit} (target ≤ ${limit}${unit})`);
  return ok;
}

const exposition = new Exposition({ cluster: 'edge-1', server: 'lb-01' });

// Memory first, before prom-client has filled the heap.
const first = cpuMs(() => scrape());
function scrapes(count: number): number {
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) move(0.1);
    scrape(i % 2 === 0 ? 'text' : 'openmetrics');
  }
  return process.memoryUsage.rss();
}
const before = scrapes(WARM_UP);
const after = scrapes(1000);
const growth = after / before - 1;

const registry = new Registry();
registry.setDefaultLabels({ cluster: 'edge-1', server: 'lb-01' });
const peer = new Gauge({
  name: family.name,
  help: family.help,
  labelNames: ['service', 'real_server', 'kind'],
  registers: [registry],
});
const children = rows.map(([service, real_server, kind]) =>
  peer.labels({ service: service!, real_server: real_server!, kind: kind! }),
);
const cost: Record<string, number[]> = { all: [], tenth: [], none: [], peer: [] };
for (let round = 0; round < ROUNDS; round++) {
  move(1);
  for (let i = 0; i < SERIES; i++) children[i]!.set(values[i]!);
  cost['peer']!.push(await cpuMsAsync(() => registry.metrics()));
  cost['all']!.push(cpuMs(() => scrape()));
  move(0.1);
  cost['tenth']!.push(cpuMs(() => scrape()));
  cost['none']!.push(cpuMs(() => scrape()));
}
const bytes = scrape();
const [all, tenth, none, theirs] = ['all', 'tenth', 'none', 'peer'].map((k) => median(cost[k]!)) as [
  number,
  number,
  number,
  number,
];
console.log(`${SERIES} series, 5 labels, ${(bytes / 1e6).toFixed(1)} MB of text; median of ${ROUNDS} rounds, ms CPU per scrape`);
console.log(`  prom-client 15            ${theirs.toFixed(1)}`);
console.log(`  fourlane, first scrape    ${first.toFixed(1)}   (renders the labels)`);
console.log(`  fourlane, all changed     ${all.toFixed(1)}`);
console.log(`  fourlane, a tenth changed ${tenth.toFixed(1)}`);
console.log(`  fourlane, none changed    ${none.toFixed(1)}`);

console.log(`  RSS ${(before / 1e6).toFixed(0)} MB before, ${(after / 1e6).toFixed(0)} MB after 1 000 more scrapes`);

const passed = [
  verdict('CPU per scrape, all changed', all, TARGET_MS, ' ms'),
  verdict('ratio to prom-client, all changed', all / theirs, TARGET_RATIO, ''),
  verdict('RSS growth over 1 000 scrapes', growth, TARGET_GROWTH, ''),
];
if (process.argv.includes('--json')) console.log(JSON.stringify({ all, ratio: all / theirs, growth }));
process.exitCode = passed.every(Boolean) ? 0 : 1;
if (process.argv.includes('--json')) console.log(JSON.stringify({ all, ratio: all / theirs, growth }));
