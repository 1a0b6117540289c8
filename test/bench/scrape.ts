/**
 * Price of a scrape: 100 000 series with 5 labels; prom-client and, for calibration, plain writing of the same numbers beside
 * ours in one run, taking turns. Prints CPU (user + system) per scrape and how memory grows over 1 000 scrapes. Run: `node
 * test/bench/scrape.ts`.
 */
import { Gauge, Registry } from 'prom-client';
import { Exposition, type Format } from '../../src/metrics/exposition.ts';
import type { Family } from '../../src/model/family.ts';
import { cpuMs, percentile } from './calibration.ts';

/** CPU in ms per scrape, medians; memory in bytes. */
export interface Measured {
  /** Every value changed. */
  readonly all: number;
  readonly tenth: number;
  readonly none: number;
  /** prom-client, every value changed. */
  readonly peer: number;
  /** The numbers written one by one into a buffer of the same length. */
  readonly plain: number;
  readonly before: number;
  readonly after: number;
  /** Lines with a value in one scrape, and how many of them prom-client has, too, letter for letter. */
  readonly lines: number;
  readonly same: number;
}

const SERIES = 100_000;
const ROUNDS = 7;
/** Scrapes before memory is first looked at. No collection is forced at any time: what users see is what counts. */
const WARM_UP = 200;

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

/** Renders and says at once that the body has been sent, as the server does. */
function scrape(format: Format = 'text'): number {
  const body = exposition.render([family], format);
  exposition.release(body);
  return body.length;
}

/** What nothing that writes these numbers as text can do without. */
const sheet = Buffer.alloc(1 << 24);
function plainly(): number {
  let at = 0;
  for (let i = 0; i < SERIES; i++) at += sheet.write(String(values[i]), at, 'latin1');
  return at;
}

/** Lines with a value. */
const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

const exposition = new Exposition({ cluster: 'edge-1', server: 'lb-01' });

// Memory first, before prom-client has filled the heap.
const first = await cpuMs(() => scrape());
function scrapes(count: number): number {
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) move(0.1);
    scrape(i % 2 === 0 ? 'text' : 'openmetrics');
  }
  return process.memoryUsage.rss();
}
const before = scrapes(WARM_UP);
const after = scrapes(1000);

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
const cost = { all: [] as number[], tenth: [] as number[], none: [] as number[], peer: [] as number[], plain: [] as number[] };
let lines = 0;
let same = 0;
for (let round = 0; round < ROUNDS; round++) {
  move(1);
  for (let i = 0; i < SERIES; i++) children[i]!.set(values[i]!);
  let theirs = '';
  cost.peer.push(await cpuMs(async () => (theirs = await registry.metrics())));
  cost.plain.push(await cpuMs(plainly));
  cost.all.push(await cpuMs(() => scrape()));
  if (round === 0) [lines, same] = compared(theirs);
  move(0.1);
  cost.tenth.push(await cpuMs(() => scrape()));
  cost.none.push(await cpuMs(() => scrape()));
}
const median = (list: readonly number[]) => percentile(list, 0.5);
const result: Measured = {
  all: median(cost.all),
  tenth: median(cost.tenth),
  none: median(cost.none),
  peer: median(cost.peer),
  plain: median(cost.plain),
  before,
  after,
  lines,
  same,
};
console.log(
  `${SERIES} series, 5 labels, ${(scrape() / 1e6).toFixed(1)} MB of text; ms CPU per scrape; first ${first.toFixed(1)}`,
);
console.log(process.argv.includes('--json') ? JSON.stringify(result) : result);

/** Lines of ours, and those of them that prom-client writes, too, whatever the order of labels. */
function compared(theirs: string): [number, number] {
  const ordered = (line: string) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);
  const known = new Set(samples(theirs).map(ordered));
  const body = exposition.render([family], 'text');
  const mine = samples(Buffer.from(body).toString('latin1'));
  exposition.release(body);
  return [mine.length, mine.filter((line) => known.has(ordered(line))).length];
}
