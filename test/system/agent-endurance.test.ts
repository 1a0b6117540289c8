/**
 * Reloads and scrapes by the thousand under load: nothing grows, nothing is lost; and what replay makes of the evidence recorded.
 * On loopback, as any user. 100 and 1 000 here; `npm run endurance`: 1 000 and 10 000.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';

const WHOLE = process.env['FOURLANE_ENDURANCE'] === 'whole';
const RELOADS = WHOLE ? 1000 : 100;
const SCRAPES = WHOLE ? 10_000 : 1000;
const CELLS = 400;
const INTERVAL = 500;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-endurance-'));
const evidence = join(dir, 'evidence.jsonl');
let listener: Worker;
let port: number;
let agent: AgentProcess;
let file: string;
/**
 * The two configurations that take turns: the second has more real servers, another order, and a third NIC every now and then.
 */
let config: (variant: 0 | 1, nics?: number) => object;

before(async () => {
  ensure(['iproute2']);
  listener = new Worker(new URL('./listener.worker.ts', import.meta.url));
  [port] = (await once(listener, 'message')) as [number];
  const down = '127.1.9.9:1';
  config = (variant, nics = 2) => {
    const kept = loopbackServers(CELLS - 1, port);
    const extra = loopbackServers(CELLS + 19, port).slice(CELLS - 1);
    return {
      listen: '127.0.0.1:0',
      stateDir: join(dir, 'state'),
      nics: Array.from({ length: nics }, (_, i) => ({ name: `lo${i}`, device: 'lo', source: `127.0.0.${i + 2}` })),
      services: [
        {
          name: 'all',
          vip: '10.0.0.1:80/tcp',
          check: { type: 'tcp', interval: `${INTERVAL}ms`, timeout: '400ms' },
          realServers: variant === 0 ? [...kept, down] : [down, ...extra, ...kept],
        },
      ],
      rules: QUICK,
      evidence: { log: evidence },
    };
  };
  file = writeConfig(dir, config(0));
  // As its unit starts it: otherwise its heaps grow until they have seen so much garbage, which some hundred reloads are not.
  agent = await AgentProcess.start(file, { wrap: ['env', 'MALLOC_ARENA_MAX=2', 'NODE_OPTIONS=--max-semi-space-size=4'] });
});
after(async () => {
  await agent?.end();
  await listener.terminate();
  rmSync(dir, { recursive: true });
});

/** Descriptors, threads and resident MB of the agent. */
function held(): { fds: number; threads: number; rss: number } {
  const proc = `/proc/${agent.pid}`;
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1]) / 1024;
  return { fds: readdirSync(`${proc}/fd`).length, threads: readdirSync(`${proc}/task`).length, rss };
}

async function reload(times: number): Promise<void> {
  for (let i = 1; i <= times; i++) {
    writeConfig(dir, config(i % 2 === 0 ? 0 : 1, i % 100 === 0 ? 3 : 2));
    const { status, text } = await agent.ask('/-/reload', 'POST');
    assert.equal(status, 200, text);
  }
}

async function scrape(times: number): Promise<void> {
  for (let i = 0; i < times; i++) assert.equal((await agent.ask('/metrics')).status, 200);
}

test(`${RELOADS} reloads and ${SCRAPES} scrapes: descriptors, threads and memory stay; no check is lost, no verdict changes`, {
  timeout: 300_000,
}, async () => {
  const verdict = await agent.verdict('RS_DOWN', { rs: '127.1.9.9:1', cause: 'refused' });
  // Warm: code compiled, heaps grown to what garbage needs. Measured: flat from here on, however many follow.
  await Promise.all([reload(WHOLE ? 500 : 300), scrape(2000)]);
  const before = held();
  const said = (await agent.transitions()).length;
  const from = readFileSync(evidence).length;
  await Promise.all([reload(RELOADS), scrape(SCRAPES)]);
  writeConfig(dir, config(0));
  await reload(2);
  const after = held();
  assert.ok(after.fds <= before.fds + 8, `descriptors ${before.fds} → ${after.fds}`);
  assert.ok(after.threads <= before.threads, `threads ${before.threads} → ${after.threads}`);
  assert.ok(after.rss <= before.rss * 1.15 + 10, `RSS ${before.rss} → ${after.rss} MB`);

  const { longest, cells } = gaps(readFileSync(evidence, 'utf8').slice(from));
  assert.equal(cells, 2 * CELLS);
  assert.ok(longest < 2 * INTERVAL, `a kept cell was without result for ${longest} ms`);
  const changes = (await agent.transitions()).slice(said).filter((t) => t.subject !== 'nic' || t.nic !== 'lo2');
  assert.deepEqual(
    changes.map((t) => t.reason),
    [],
  );
  const kept = await agent.verdict('RS_DOWN', { rs: '127.1.9.9:1' });
  const moved = Date.parse(kept.since) - Date.parse(verdict.since);
  assert.ok(Math.abs(moved) < 50, `the verdict's beginning moved by ${moved} ms`); // the wall clock is stepped and slewed
  assert.equal(await agent.metric('fourlane_lane_results_dropped_total'), 0);
});

/** The longest time any cell that is in both configurations was without a result, by the evidence log. */
function gaps(log: string): { longest: number; cells: number } {
  const kept = new Set([...loopbackServers(CELLS - 1, port), '127.1.9.9:1']);
  const last = new Map<string, number>();
  let longest = 0;
  for (const line of log.slice(log.indexOf('\n') + 1).split('\n')) {
    if (!line.startsWith('{"t"')) continue;
    const { t, nic, rs } = JSON.parse(line) as { t: number; nic: string; rs?: string };
    if (rs === undefined || nic === 'lo2' || !kept.has(rs)) continue;
    const key = `${nic} ${rs}`;
    longest = Math.max(longest, t - (last.get(key) ?? t));
    last.set(key, t);
  }
  return { longest, cells: last.size };
}

test('a bad file is refused with its place, shown and logged; the agent goes on; a good one is taken again', {
  timeout: 20_000,
}, async () => {
  const successful = () => agent.metric('fourlane_config_last_reload_successful');
  assert.equal(await successful(), 1);
  const { revision } = await agent.status();
  writeFileSync(file, readFileSync(file, 'utf8').replace('"source": "127.0.0.3"', '"source": "web-1.example"'));
  const { status, text } = await agent.ask('/-/reload', 'POST');
  assert.equal(status, 400);
  const { code, message } = JSON.parse(text) as { code: string; message: string };
  assert.equal(code, 'CONFIG_INVALID');
  assert.match(message, /fourlane\.yaml:\d+:\d+: nics\[1\]\.source: .*web-1\.example/);
  assert.equal(await successful(), 0);
  assert.match(JSON.stringify(agent.logged(/^config not applied/)?.['errors']), /fourlane\.yaml:\d+:\d+: nics\[1\]\.source/);
  assert.equal((await agent.status()).revision, revision);
  const results = (await agent.metric('fourlane_check_results_total'))!;
  await until('checks go on', 3000, async () => (await agent.metric('fourlane_check_results_total'))! > results + CELLS);
  // The same by signal: refused, then good again.
  const refusals = () => agent.log.filter((l) => l.message.startsWith('config not applied')).length;
  agent.signal('SIGHUP');
  await until('refused again', 3000, () => refusals() === 2);
  writeConfig(dir, config(1));
  agent.signal('SIGHUP');
  await until('taken', 3000, async () => (await successful()) === 1);
  assert.notEqual((await agent.status()).revision, revision);
});

test('replay of the evidence recorded says what the agent said', { timeout: 30_000 }, async () => {
  await agent.end('SIGTERM');
  rmSync(evidence);
  rmSync(join(dir, 'state'), { recursive: true });
  const flaky = await serve(0);
  const base = config(0) as { services: { realServers: string[] }[] };
  base.services[0]!.realServers = [...loopbackServers(40, port), `127.1.8.8:${flaky.port}`];
  agent = await AgentProcess.start(writeConfig(dir, base));
  await agent.allGood();
  const rounds = async (n: number) => {
    const from = (await agent.metric('fourlane_check_results_total'))!;
    await until(`${n} rounds`, 8000, async () => (await agent.metric('fourlane_check_results_total'))! > from + n * 2 * 41);
  };
  // The agent judges nothing in its first rounds, counted from its start; replay knows only when the first result came.
  await rounds(5);
  await flaky.close();
  await agent.verdict('RS_DOWN', { rs: `127.1.8.8:${flaky.port}` });
  // Replay's passes fall between the agent's: what is good again at once might never be down there.
  await rounds(2);
  const again = await serve(flaky.port);
  await agent.allGood();
  const said = (await agent.transitions()).map((t) => ({ ...t, t: Date.parse(t.time) }));
  assert.equal(await agent.end('SIGTERM'), 0);
  await again.close();
  assert.deepEqual(
    said.map((t) => t.verdict),
    ['RS_DOWN', 'OK'],
  );

  const wall = Date.now() - Number(process.hrtime.bigint() / 1_000_000n);
  const lines = execFileSync(process.execPath, ['src/cli/fourlane.mjs', 'replay', evidence], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const replayed = lines.map(
    (line) => JSON.parse(line) as { t: number; verdict: string; cause: string; rs: string; actions: unknown },
  );
  assert.equal(replayed.length, said.length);
  replayed.forEach((r, i) => {
    const s = said[i]!;
    assert.deepEqual([r.verdict, r.cause, r.rs, r.actions], [s.verdict, s.cause, s.rs, s.actions]);
    assert.ok(Math.abs(r.t + wall - s.t) <= 150, `${r.verdict}: ${Math.round(r.t + wall - s.t)} ms apart`);
  });
});
