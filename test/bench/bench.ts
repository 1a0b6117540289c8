/**
 * `npm run bench`: floor, peers and ours, alternating in one run; targets printed with pass or fail. `--write` puts the table
 * into docs/performance.md. Only ratios inside one run mean anything: the machine is shared and moves ±20 %.
 */
import { cpus, release } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { blackbox, compile, floor, type Mode, netConnect, ours, type Sample, startServer } from './peers.ts';
import { ask, type Row } from './row.ts';
import { scale } from './scale.ts';

const ROUNDS = Number(process.argv.find((a) => a.startsWith('--rounds='))?.slice(9) ?? 3);
const RATE = 8000;

const server = compile('./server.c');
const program = compile('./floor.c');
if (!server || !program) {
  console.error('bench needs gcc: apt-get install gcc libc6-dev');
  process.exit(1);
}

/** Alternates the probers of one mode and compares the best round of each: a neighbour's burst makes a round worse, never better. */
async function compare(mode: Mode, limit: number, blackboxLimit: number): Promise<Row[]> {
  const running = await startServer(server!);
  const samples: Record<string, Sample[]> = {};
  const add = async (name: string, sample: Promise<Sample | undefined>) => {
    const s = await sample;
    if (s === undefined) return;
    if (s.ok < s.probes * 0.999) throw new Error(`${name}: ${s.ok} of ${s.probes} probes were good: the comparison is void`);
    (samples[name] ??= []).push(s);
  };
  for (let round = 0; round < ROUNDS; round++) {
    await add('floor', floor(program!, mode, RATE, 3));
    await add('floor unpaced', floor(program!, mode, 0, 3));
    await add('ours', ours(mode, RATE, 1000, 4));
    if (mode === 'tcp') await add('net.connect', netConnect(RATE, 3));
    await add('blackbox', blackbox(mode, 2000));
  }
  running.stop();
  const us = (name: string) => (samples[name] ? Math.min(...samples[name].map((s) => s.us)) : NaN);
  for (const name of Object.keys(samples)) console.log(`  ${mode} ${name}: ${us(name).toFixed(1)} µs CPU per check`);
  const ratio = (peer: string) => us('ours') / us(peer);
  const rows: Row[] = [
    {
      what: `CPU per ${mode} check / C floor at the same rate (${us('ours').toFixed(1)} / ${us('floor').toFixed(1)} µs)`,
      value: ratio('floor'),
      limit,
      unit: '×',
    },
    {
      what: `CPU per ${mode} check / C floor at full speed (${us('floor unpaced').toFixed(1)} µs)`,
      value: ratio('floor unpaced'),
      limit,
      unit: '×',
    },
  ];
  if (mode === 'tcp')
    rows.push({
      what: `CPU per tcp check / net.connect (${us('net.connect').toFixed(1)} µs)`,
      value: ratio('net.connect'),
      limit: 1,
      unit: '×',
    });
  if (samples['blackbox'])
    rows.push({
      what: `CPU per ${mode} check / blackbox_exporter (${us('blackbox').toFixed(0)} µs)`,
      value: ratio('blackbox'),
      limit: blackboxLimit,
      unit: '×',
    });
  else console.log('  blackbox_exporter is not installed: apt-get install prometheus-blackbox-exporter');
  return rows;
}

/** The judge's share, in a process of its own. */
async function judgePass(): Promise<Row[]> {
  const measured =
    await ask<{ cells: number; world: string; 'p50 ms': number; 'p99 ms': number; 'bytes per cell': number }[]>('./judge.ts');
  return measured
    .filter((m) => m.cells === 120_000)
    .flatMap((m) => [
      { what: `judge pass at 120 000 cells, ${m.world}: p50`, value: m['p50 ms'], limit: 10, unit: 'ms' },
      { what: `judge pass at 120 000 cells, ${m.world}: p99`, value: m['p99 ms'], limit: 10, unit: 'ms' },
    ]);
}

async function scrape(): Promise<Row[]> {
  const m = await ask<{ all: number; ratio: number; growth: number }>('./scrape.ts');
  return [
    { what: 'scrape of 100 000 series, every value changed: CPU', value: m.all, limit: 40, unit: 'ms' },
    { what: 'the same / prom-client', value: m.ratio, limit: 0.15, unit: '×' },
    { what: 'RSS growth over 1 000 scrapes', value: m.growth, limit: 0.05, unit: '' },
  ];
}

async function reload(): Promise<Row[]> {
  const m = await ask<{ median: number; worst: number; first: number; busy: number; lost: number }>('./reload.ts');
  console.log(`  worst ${m.worst.toFixed(0)} ms, the first, with the start of its thread, ${m.first.toFixed(0)} ms`);
  return [
    { what: 'reload of 10 000 real servers, 1 % changed: median', value: m.median, limit: 100, unit: 'ms' },
    { what: "of that in the judge's thread", value: m.busy, limit: 50, unit: 'ms' },
    { what: 'checks of unchanged targets lost or restarted by it', value: m.lost, limit: 0, unit: '' },
  ];
}

async function reaction(): Promise<Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  needs root: it makes network namespaces');
    return [];
  }
  const m = await ask<{ median: number; worst: number; rounds: number }>('./reaction.ts');
  console.log(`  median ${m.median.toFixed(0)} ms`);
  return [
    {
      what: `carrier loss → action with 10 000 cells, worst of ${m.rounds} (with the time to run ip)`,
      value: m.worst,
      limit: 100,
      unit: 'ms',
    },
  ];
}

const wanted = process.argv.find((a) => a.startsWith('--only='))?.slice(7);
const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  tcp: () => compare('tcp', 1.25, 0.1),
  http: () => compare('http', 1.6, 0.15),
  scale: () => scale(server),
  judge: judgePass,
  scrape,
  reload,
  reaction,
};
const rows: Row[] = [];
for (const [name, part] of Object.entries(parts)) {
  if (wanted !== undefined && !wanted.split(',').includes(name)) continue;
  console.log(name);
  rows.push(...(await part()));
}
const lines = rows.map(
  (r) =>
    `| ${r.what} | ${format(r.value)} ${r.unit} | ≤ ${format(r.limit)} ${r.unit} | ${r.value <= r.limit ? 'pass' : '**miss**'} |`,
);
const table = ['| what | measured | target | |', '|---|---|---|---|', ...lines].join('\n');
console.log(`\n${table}`);
if (process.argv.includes('--write')) {
  const path = new URL('../../docs/performance.md', import.meta.url);
  const machine = `${cpus().length} × ${cpus()[0]!.model}, Linux ${release()}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  const text = readFileSync(path, 'utf8').replace(
    /(<!-- bench -->\n)[\s\S]*(\n<!-- \/bench -->)/,
    `$1Machine: ${machine}\n\n${table}$2`,
  );
  writeFileSync(path, text);
}
process.exitCode = rows.every((r) => r.value <= r.limit) ? 0 : 1;

function format(n: number): string {
  return n >= 100 ? n.toFixed(0) : n.toFixed(2).replace(/\.?0+$/, '');
}
