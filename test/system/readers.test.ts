/**
 * Readers that ask for everything as fast as they can, and readers that never read: judge and actions go on as without them. The
 * whole measurement, with 60 000 real servers on one core, is `npm run bench:readers`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AgentProcess, listening, loopbackServers, metricOf, QUICK, serve, until, writeConfig } from './harness.ts';

const REAL_SERVERS = 5000;
const CLIENTS = 10;
const PHASE_MS = 3000;
/** So that one that was slow by chance is not their median. */
const LEAST_REACTIONS = 3;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-readers-'));
const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(dir, { recursive: true });
});

const clientsFile = fileURLToPath(new URL('../bench/readers-clients.ts', import.meta.url));

/** Starts readers; `answers` is how many they have got. */
function readers(mode: 'pipeline' | 'burst', port: number): { child: ChildProcess; answers: () => number } {
  const child = spawn(process.execPath, [clientsFile, mode, String(port), String(CLIENTS), '8'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  closers.push(() => child.kill());
  let answers = 0;
  child.stdout.on('data', (chunk: Buffer) => (answers = Number(chunk.toString().trim().split('\n').at(-1))));
  return { child, answers: () => answers };
}

const rssMb = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;

test('readers without manners: passes, actions and memory stay as they are', { timeout: 180_000 }, async () => {
  const good = await serve(0);
  closers.push(good.close);
  const told: string[] = [];
  const hook = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      res.end();
      const { effects } = JSON.parse(body) as { effects: { realServer: string; state: string }[] };
      for (const { realServer, state } of effects) told.push(`${realServer} ${state}`);
    });
  });
  await listening(hook);
  closers.push(() => hook.close());
  let victim = await serve(0, undefined, '127.9.0.1');
  closers.push(() => victim.close());
  const agent = await AgentProcess.start(
    writeConfig(dir, {
      listen: '127.0.0.1:0',
      stateDir: join(dir, 'state'),
      nics: [2, 3].map((n) => ({ name: `lo${n}`, device: 'lo', source: `127.0.0.${n}` })),
      services: [
        {
          name: 'many',
          vip: '10.0.0.1:80/tcp',
          check: { type: 'tcp', interval: '5s', timeout: '500ms', fall: 1, rise: 1 },
          realServers: loopbackServers(REAL_SERVERS, good.port),
        },
        {
          name: 'victim',
          vip: '10.0.0.2:80/tcp',
          check: { type: 'tcp', interval: '500ms', timeout: '300ms' },
          // So many that none of its deaths waits for the budget of the service.
          realServers: [...loopbackServers(40, good.port), `127.9.0.1:${victim.port}`],
          actuator: { webhook: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` } },
        },
      ],
      // It dies often: each time it stays out as long.
      rules: { ...QUICK, budget_fraction: 1, flap_limit: 1000, rs_hold_down_max_ms: QUICK.rs_hold_down_ms },
    }),
  );
  closers.push(() => agent.end());
  const port = Number(new URL(agent.logged(/^ready/)!['listen'] as string).port);
  await agent.allGood(30_000);
  await sleep(3000);

  /** Passes a second, ms until a dead real server was acted on, and the most memory meanwhile. */
  const phase = async () => {
    const passes = async () => (await agent.metric('fourlane_judge_period_seconds_count'))!;
    const from = { passes: await passes(), at: performance.now() };
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, rssMb(agent.pid))), 100).unref();
    const reactions: number[] = [];
    const { port: victimPort } = victim;
    const name = `127.9.0.1:${victimPort}`;
    while (performance.now() - from.at < PHASE_MS || reactions.length < LEAST_REACTIONS) {
      told.length = 0;
      const died = performance.now();
      await victim.close();
      await until('the action', 20_000, () => told.includes(`${name} disabled`));
      reactions.push(performance.now() - died);
      victim = await serve(victimPort, undefined, '127.9.0.1');
      await until('the return', 20_000, () => told.includes(`${name} enabled`));
    }
    clearInterval(watch);
    const rate = ((await passes()) - from.passes) / ((performance.now() - from.at) / 1000);
    return { rate, reaction: reactions.toSorted((a, b) => a - b)[reactions.length >> 1]!, peak };
  };

  const alone = await phase();
  for (const mode of ['pipeline', 'burst'] as const) {
    const { child, answers } = readers(mode, port);
    if (mode === 'pipeline') await until('answers', 20_000, () => answers() > 20);
    const beside = await phase();
    // A scrape gets through, and soon.
    const asked = performance.now();
    assert.ok(metricOf((await agent.ask('/metrics')).text, 'fourlane_build_info') === 1);
    assert.ok(performance.now() - asked < 3000);
    child.kill();
    const said = `${mode}: ${JSON.stringify({ alone, beside, answers: answers() })}`;
    // Without the thread of its own, one burst stopped the judge for tens of seconds.
    assert.ok(beside.rate >= 0.7 * alone.rate, said);
    assert.ok(beside.reaction <= 2 * alone.reaction + 1000, said);
    assert.ok(beside.peak - alone.peak <= 100, said);
  }
  assert.equal(agent.logged(/HTTP thread ended/), undefined);
  const lanes = agent.log.filter((line) => line.message.startsWith('lane'));
  assert.deepEqual(lanes, []);
});
