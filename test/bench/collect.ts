/**
 * `npm run bench:collect`: what collecting costs at the default cadence, in shares of a core: DPVS with 100 services × 100 real
 * servers × 8 cores (synthesised replies over a real socket), 10 000 real servers of kernel LVS (recorded texts; the listing
 * program is replaced by `gzip -dc`, whose own time is not counted), and a source that hangs. Exit code 1 when a row misses or is
 * void, see row.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { dpvs } from '../../src/collect/dpvs.ts';
import { ipvs } from '../../src/collect/ipvs.ts';
import { parseCounters } from '../../src/collect/ipvs/listing.ts';
import { mergeServices } from '../../src/collect/ipvs/merge.ts';
import { parseTable } from '../../src/collect/ipvs/proc.ts';
import { Output } from '../../src/collect/output.ts';
import { Runner } from '../../src/collect/runner.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { runCommand } from '../../src/sys/child.ts';
import { measureCost } from '../collect/dpvs-fake.ts';
import { recorded, recording } from '../collect/ipvs.recorded.ts';
import { cpuMs, percentile } from './calibration.ts';
import { compile } from './peers.ts';
import { describe, isQuick, look } from './machine.ts';
import { type Row, tableOf, verdictOf } from './row.ts';

/** Percent of a core. */
const LIMIT = 2;
const HANGING_LIMIT = 0.5;
const WARM = 8;
/** ms; the default of dpvs.tableInterval: what costs is read at it. */
const TABLES = 10_000;
const COUNTERS = 'ipvsadm_Ln_stats_exact_10000rs.txt.gz';

/** CPU ms of this process, median of some rounds once the code is warm, as in an agent that has run for some minutes. */
async function cpu(work: () => unknown, rounds = 15): Promise<number> {
  const times: number[] = [];
  for (let i = -WARM; i < rounds; i++) {
    const ms = await cpuMs(work);
    if (i >= 0) times.push(ms);
  }
  return percentile(times, 0.5);
}

/** A reading of `ms` CPU, as a share of a core at the collector's own interval. */
const percent = (ms: number, intervalMs: number) => (100 * ms) / intervalMs;

/** As many series put down under a text and found again. */
function plainSeries(series: number): number {
  const known = new Map<string, number>();
  for (let i = 0; i < series; i++) known.set(`svc${i % 100} 10.0.${i % 251}.${i >> 8}:80`, i);
  let sum = 0;
  for (let i = 0; i < series; i++) sum += known.get(`svc${i % 100} 10.0.${i % 251}.${i >> 8}:80`)!;
  return sum;
}

/** Every word of the texts, as a number where it is one. */
function plainWords(texts: readonly string[]): number {
  let sum = 0;
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    for (const word of line.split(' ')) if (word !== '') sum += Number(word) || 0;
  }
  return sum;
}

async function dataPlane(): Promise<Row> {
  const { readMs, publishMs, evidenceMs, series } = await measureCost({ services: 100, realServers: 100, cores: 8 }, WARM + 15);
  return {
    what: `dpvs, 100 × 100 × 8 (${series} series), every ${TABLES / 1000} s`,
    value: percent(readMs + publishMs + evidenceMs, TABLES),
    limit: LIMIT,
    unit: '%',
    calibration: {
      what: 'as many series put in a Map and found again',
      value: percent(await cpu(() => plainSeries(series)), TABLES),
      times: 1.2,
    },
    needs: [{ what: `100 000 series and more (${series})`, holds: series >= 100_000 }],
  };
}

async function kernelLvs(): Promise<Row> {
  const file = fileURLToPath(new URL(`../fixtures/ipvs/${COUNTERS}`, import.meta.url));
  const table = gunzipSync(recording('proc_ip_vs_10000rs.txt.gz')).toString('latin1');
  const output = new Output();
  const rest = recorded();
  let found = 0;
  let listed = '';
  const ms = await cpu(async () => {
    const listing = await runCommand(['/bin/gzip', '-dc', file], { env: {}, timeoutMs: 10_000, maxOutput: 64 << 20 });
    const data = { ...rest, services: mergeServices(parseCounters(listing.output), parseTable(table)) };
    output.take((samples) => ipvs.publish(data, samples));
    ipvs.evidence!(data);
    found = data.services.reduce((n, service) => n + service.realServers.length, 0);
    listed = listing.output;
  });
  return {
    what: `ipvs, 10 000 real servers, every ${ipvs.interval / 1000} s`,
    value: percent(ms, ipvs.interval),
    limit: LIMIT,
    unit: '%',
    calibration: {
      what: 'every word of its texts, numbers read',
      value: percent(await cpu(() => plainWords([listed, table])), ipvs.interval),
      times: 7,
    },
    needs: [{ what: `10 000 real servers found (${found})`, holds: found === 10_000 }],
  };
}

/** CPU of 20 s in which the dpvs collector asks a server that accepts and never answers, above that of doing nothing. */
async function hanging(): Promise<Row> {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-bench-'));
  const path = join(dir, 'dpvs.ipc');
  let asked = 0;
  const server = createServer((socket) => void socket.once('data', () => asked++)).listen(path);
  const runner = new Runner({
    collectors: [dpvs],
    context: { clock: () => performance.now(), log: () => undefined, nics: () => [], edge: () => ({}) },
    wallOffsetMs: () => 0,
    onEvidence: () => undefined,
  });
  const SPAN = 20_000;
  const idle = process.cpuUsage();
  await sleep(SPAN);
  const nothing = process.cpuUsage(idle);
  runner.apply({ dpvs: blockSchema(dpvs).parse({ socket: path }) as never });
  const start = process.cpuUsage();
  await sleep(SPAN);
  const { user, system } = process.cpuUsage(start);
  await runner.stop();
  server.close();
  rmSync(dir, { recursive: true });
  const used = (user + system - nothing.user - nothing.system) / 1000;
  return {
    what: 'dpvs, a source that hangs',
    value: Math.max(0, percent(used, SPAN)),
    limit: HANGING_LIMIT,
    unit: '%',
    needs: [{ what: `the source was asked (${asked} times)`, holds: asked > 0 }],
  };
}

const server = compile('./server.c');
const program = compile('./floor.c');
if (!server || !program) {
  console.error('bench needs gcc: apt-get install gcc libc6-dev');
  process.exit(1);
}
const before = await look(server, program);
const rows = [await dataPlane(), await kernelLvs(), await hanging()];
const looks = [before, await look(server, program)];
const quick = isQuick(looks);
console.log(`${describe(looks)}\n\n${tableOf(rows, quick)}`);
if (rows.some((row) => verdictOf(row, quick).is !== 'pass')) process.exitCode = 1;
