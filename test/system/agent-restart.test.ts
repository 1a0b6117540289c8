/** The agent's own death: kill -9 and restart, damaged state, SIGTERM, SIGSTOP. On loopback, as any user. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppliedState } from '../../src/act/state.ts';
import type { VerdictReport } from '../../src/report/report.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, childrenOf, listening, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-restart-'));
const stateDir = join(dir, 'state');
const calls = join(dir, 'calls');
const track = join(dir, 'lo2');
const script = join(dir, 'notify');
const posts: { reannounce: boolean; effects: { state: string; realServer?: string }[] }[] = [];
const receiver = createServer((request, response) => {
  void bodyOf(request).then((text) => {
    posts.push(JSON.parse(text) as (typeof posts)[number]);
    response.end();
  });
});
let good: Awaited<ReturnType<typeof serve>>;
let weak: Awaited<ReturnType<typeof serve>>;
let config: object;
let file: string;
const agents: AgentProcess[] = [];

const start = async (path = file) => {
  const agent = await AgentProcess.start(path);
  agents.push(agent);
  return agent;
};
const called = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
const ownWeak = () => `127.1.9.9:${weak.port}`;

before(async () => {
  ensure(['iproute2']);
  writeFileSync(script, `#!/bin/sh\necho "$@" >> ${calls}\n`);
  chmodSync(script, 0o755);
  await listening(receiver);
  good = await serve(0);
  weak = await serve(0);
  const realServers = loopbackServers(398, good.port);
  config = {
    listen: '127.0.0.1:0',
    stateDir,
    nics: [2, 3].map((n) => ({
      name: `lo${n}`,
      device: 'lo',
      source: `127.0.0.${n}`,
      onFail: [{ trackFile: { path: join(dir, `lo${n}`) } }],
    })),
    // A cell without a result for 2.2 s begins a new streak: on a busy machine the first ones after a start take some time.
    checks: { quick: { type: 'tcp', interval: '1s', timeout: '1s', fall: 3 } },
    services: [
      {
        name: 'all',
        vip: '10.0.0.1:80/tcp',
        check: 'quick',
        realServers: [...realServers, ownWeak()],
        actuator: { exec: { command: [script] } },
      },
      {
        name: 'few',
        vip: '10.0.0.2:80/tcp',
        check: 'quick',
        realServers: [...realServers.slice(0, 3), ownWeak()],
        actuator: { webhook: { url: `http://127.0.0.1:${(receiver.address() as { port: number }).port}/` } },
      },
    ],
    rules: QUICK,
  };
  file = writeConfig(dir, config);
});
after(async () => {
  await Promise.all(agents.map((a) => a.end()));
  await Promise.all([good.close(), weak.close()]);
  receiver.close();
  receiver.closeAllConnections();
  rmSync(dir, { recursive: true });
});

test('kill -9 under load: no action again; verdict, streaks and times are kept; idempotent state is repeated', async () => {
  const first = await start();
  await first.allGood();
  const { port } = weak;
  await weak.close();
  const fault = await first.verdict('RS_DOWN', { rs: ownWeak(), cause: 'refused' });
  await until(
    'both actions',
    2000,
    () => called().length > 0 && posts.some((p) => p.effects.some((e) => e.state === 'disabled')),
  );
  await until('the end of both actions is saved', 1000, () => {
    const saved = JSON.parse(readFileSync(join(stateDir, 'state.json'), 'utf8').split('\n')[1]!) as { applied: AppliedState };
    return saved.applied.applied.filter((a) => a.effect.realServer === ownWeak() && a.value?.startsWith('disabled')).length === 2;
  });
  const streak = (await streaks(first))[0]!;
  assert.ok(streak >= 3, `streak ${streak}`);
  assert.deepEqual(called(), [`RS ${ownWeak()} DISABLED all`]);
  await first.end('SIGKILL');
  rmSync(track);
  posts.length = 0;

  const second = await start();
  const taken = second.logged(/^state taken up/);
  assert.ok(taken, 'the state is taken up');
  const [kept] = await second.verdicts();
  assert.equal(kept?.verdict, 'RS_DOWN');
  assert.equal(kept.cause, 'refused');
  assert.ok(Math.abs(Date.parse(kept.since) - Date.parse(fault.since)) < 150, `${kept.since} was ${fault.since}`);
  const results = await second.metric('fourlane_check_results_total');
  await until(
    'two rounds of checks',
    5000,
    async () => (await second.metric('fourlane_check_results_total'))! > results! + 2 * 2 * 399,
  );
  for (const n of await streaks(second)) assert.ok(n > streak, `streak ${n} goes on from ${streak}`);
  assert.deepEqual(await second.transitions(), [], 'nothing is judged anew');
  assert.equal(called().length, 1, 'no command again');
  assert.equal(readFileSync(track, 'utf8'), '0\n', 'the track file is written again');
  assert.ok(posts.length > 0 && posts.every((p) => p.reannounce), 'the webhook hears the wanted state, marked as such');

  weak = await serve(port);
  await until('it comes back', 5000, () => called().at(-1) === `RS ${ownWeak()} ENABLED all`);
  assert.equal(called().length, 2);
});

const streaks = async (agent: AgentProcess): Promise<number[]> => {
  const why = await agent.get<{ verdicts: VerdictReport[] }>(`/api/v1/why?rs=${ownWeak()}`);
  return why.verdicts[0]!.evidence.cells.map((c) => c.consecutiveBad);
};

test('a second agent with the same state directory ends at once and says who has it; the first goes on', async () => {
  const first = agents.at(-1)!;
  const second = AgentProcess.spawn(file);
  await until('it ends', 10_000, () => second.ended !== undefined);
  assert.equal(second.ended, 1);
  const said = `stateDir ${stateDir}: another agent \\(pid ${first.pid}\\) runs with it; stop it, or give`;
  await until('it says why', 1000, () => second.logged(new RegExp(said)));
  await first.allGood();
});

test('a damaged state file is set aside with a message, and the agent starts', async () => {
  const state = join(stateDir, 'state.json');
  await agents.at(-1)!.end('SIGTERM');
  writeFileSync(state, readFileSync(state).subarray(0, 1000));
  const agent = await start();
  assert.match(
    agent.logged(/^state file not used/)?.message ?? '',
    /checksum does not match: it is damaged; kept as .*state\.json\.set-aside/,
  );
  assert.equal(statSync(`${state}.set-aside`).size, 1000);
  await agent.allGood();
});

test('SIGSTOP for 6 s under load: nobody is blamed, nothing is done, no lane is restarted', async () => {
  const agent = agents.at(-1)!;
  await agent.allGood();
  const before = called().length;
  agent.signal('SIGSTOP');
  await sleep(6000);
  agent.signal('SIGCONT');
  const results = (await agent.metric('fourlane_check_results_total'))!;
  await until(
    'three rounds of checks',
    5000,
    async () => (await agent.metric('fourlane_check_results_total'))! > results + 6 * 399,
  );
  const others = (await agent.transitions()).filter((t) => t.subject !== 'agent');
  assert.deepEqual(others, []);
  assert.equal(await agent.metric('fourlane_lane_restarts_total'), 0);
  assert.equal(called().length, before);
  await agent.allGood();
});

test('SIGTERM: exit 0 within 3 s, state saved, no child to be left; SIGHUP is no end', async () => {
  const agent = agents.at(-1)!;
  agent.signal('SIGHUP');
  await until('reloaded', 5000, () => agent.logged(/^config: nothing changed/));
  assert.deepEqual(childrenOf(agent.pid), [], 'none is needed to see links change');
  rmSync(join(stateDir, 'state.json'));
  const t0 = performance.now();
  assert.equal(await agent.end('SIGTERM'), 0);
  assert.ok(performance.now() - t0 < 3000);
  assert.ok(existsSync(join(stateDir, 'state.json')));
});

test('SIGTERM during a long action: exit 0 within 3 s, it is done again after the restart, a short one is not', async () => {
  const slow = `${script}-slow`;
  writeFileSync(
    slow,
    `#!/bin/sh\necho "$@" >> ${calls}\n[ -e ${dir}/hang ] && sleep 8\n[ -e ${dir}/wait ] && sleep 0.7\nexit 0\n`,
  );
  chmodSync(slow, 0o755);
  const service = {
    name: 'all',
    vip: '10.0.0.1:80/tcp',
    check: 'quick',
    realServers: [...loopbackServers(4, good.port), ownWeak()],
    actuator: { exec: { command: [slow] } },
  };
  const path = writeConfig(
    dir,
    { ...config, stateDir: join(dir, 'other'), services: [service], rules: { ...QUICK, budget_window_ms: 100 } },
    'slow.yaml',
  );
  for (const [how, again] of [
    ['hang', true],
    ['wait', false],
  ] as const) {
    rmSync(calls, { force: true });
    writeFileSync(join(dir, how), '');
    const agent = await start(path);
    await agent.allGood();
    const { port } = weak;
    await weak.close();
    await until('called', 4000, () => called().length === 1);
    const t0 = performance.now();
    assert.equal(await agent.end('SIGTERM'), 0);
    assert.ok(performance.now() - t0 < 3000, how);
    rmSync(join(dir, how));
    const next = await start(path);
    if (again) await until('called again', 2000, () => called().length === 2);
    weak = await serve(port);
    await until('enabled', 5000, () => called().at(-1)?.includes('ENABLED'));
    assert.equal(called().filter((c) => c.includes('DISABLED')).length, again ? 2 : 1, how);
    await next.allGood();
    await next.end('SIGTERM');
  }
});

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    request.on('end', () => resolve(text));
  });
}
