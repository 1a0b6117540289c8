/**
 * `npm run bench:collect`: what collecting costs at the default cadence, in shares of a core: DPVS with 100 services × 100 real servers ×
 * 8 cores (synthesised replies over a real socket), 10 000 real servers of kernel LVS (recorded texts; the listing program is replaced by
 * `gzip -dc`, whose own time is not counted), and a source that hangs. Exit code 1 above 2 %, or when hanging costs anything.
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

const LIMIT = 2;
const WARM = 8;
const COUNTERS = 'ipvsadm_Ln_stats_exact_10000rs.txt.gz';

interface Cost {
  readonly what: string;
  readonly ms: number;
  /** s between readings. */
  readonly every: number;
}

/** CPU ms of this process, median of some rounds once the code is warm, as in an agent that has run for some minutes. */
async function cpu(work: () => Promise<void>, rounds = 15): Promise<number> {
  const times: number[] = [];
  for (let i = -WARM; i < rounds; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (i >= 0) times.push((user + system) / 1000);
  }
  return times.sort((a, b) => a - b)[rounds >> 1]!;
}

async function kernelLvs(): Promise<Cost> {
  const file = fileURLToPath(new URL(`../fixtures/ipvs/${COUNTERS}`, import.meta.url));
  const table = gunzipSync(recording('proc_ip_vs_10000rs.txt.gz')).toString('latin1');
  const output = new Output();
  const rest = recorded();
  const ms = await cpu(async () => {
    const listing = await runCommand(['/bin/gzip', '-dc', file], { env: {}, timeoutMs: 10_000, maxOutput: 64 << 20 });
    const data = { ...rest, services: mergeServices(parseCounters(listing.output), parseTable(table)) };
    output.take((samples) => ipvs.publish(data, samples));
    ipvs.evidence!(data);
  });
  return { what: 'ipvs, 10 000 real servers', ms, every: ipvs.interval / 1000 };
}

/** CPU of 20 s in which the dpvs collector asks a server that accepts and never answers, above that of doing nothing. */
async function hanging(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-bench-'));
  const path = join(dir, 'dpvs.ipc');
  const server = createServer(() => undefined).listen(path);
  const runner = new Runner({
    collectors: [dpvs],
    context: { clock: () => performance.now(), log: () => undefined, nics: () => [] },
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
  return (100 * (user + system - nothing.user - nothing.system)) / 1000 / SPAN;
}

const dp = await measureCost({ services: 100, realServers: 100, cores: 8 }, WARM + 15);
const costs: readonly Cost[] = [
  { what: `dpvs, 100 × 100 × 8 (${dp.series} series)`, ms: dp.readMs + dp.publishMs + dp.evidenceMs, every: 10 },
  await kernelLvs(),
];
const rows = [
  ...costs.map(({ what, ms, every }) => ({
    what,
    'CPU ms a reading': Number(ms.toFixed(1)),
    'every s': every,
    percent: ms / every / 10,
  })),
  { what: 'dpvs, a source that hangs', 'CPU ms a reading': NaN, 'every s': NaN, percent: await hanging() },
].map((r) => ({ ...r, percent: Number(r.percent.toFixed(2)), limit: r.what.endsWith('hangs') ? 0.5 : LIMIT }));
console.table(rows);
if (rows.some((r) => r.percent > r.limit)) process.exitCode = 1;
