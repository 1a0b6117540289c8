/** Real agents, real commands, a real etcd with the users and roles that `init` makes: from the first release to a poison one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ClusterStatus } from '../../src/cluster/view/status.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { Operator } from '../etcd/operator.ts';
import { AgentProcess, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-fleet-'));
const NAME = 'edge-3';
const RINGS = { 'lb-01': 'canary', 'lb-02': 'rest', 'lb-03': 'rest' } as const;
type Server = keyof typeof RINGS;
const SERVERS = Object.keys(RINGS) as Server[];
const places = SERVERS.map((server) => [server, `ring=${RINGS[server]},rack=r-${server}`]);
const operator = new Operator({ dir, name: NAME, servers: Object.fromEntries(places) });
const STAGES = ['--stage', 'canary:500ms', '--stage', 'rest:0s'];
const agents = new Map<Server, AgentProcess>();
let etcd: EtcdCluster;
let addresses: readonly string[];

/** The file of services: ten of three real servers each, the first with this weight. */
function services(weight: number, more: object = {}, count = 10): string {
  const list = Array.from({ length: count }, (_, k) => ({
    name: `web${k}`,
    vip: `10.0.0.${k + 1}:80/tcp`,
    check: { type: 'tcp', interval: '200ms' },
    realServers: addresses.slice(k, k + 3).map((address) => ({ address, weight: k === 0 ? weight : 100 })),
    ...(k === 0 ? more : {}),
  }));
  return operator.file(JSON.stringify({ rules: QUICK, services: list }));
}

async function start(server: Server, killAt?: string): Promise<AgentProcess> {
  const body = {
    cluster: { name: NAME, etcd: { endpoints: etcd.endpoints, tls: operator.tls(server) }, prove: '300ms' },
    server,
    listen: '127.0.0.1:0',
    stateDir: join(dir, server),
    nics: [{ name: 'eth2', device: 'lo', source: '127.0.0.2' }],
  };
  const wrap = killAt === undefined ? [] : ['env', `FOURLANE_CHAOS_KILL_AT=${killAt}`];
  const agent = await AgentProcess.start(writeConfig(dir, body, `${server}.yaml`), { wrap });
  agents.set(server, agent);
  return agent;
}

const status = async () => (await operator.json('status')) as ClusterStatus;
const running = async () => Object.fromEntries((await status()).servers.map((each) => [each.server, each.running]));
const isWell = () => until('all is well', 8000, async () => (await operator.run('status')).code === 0);

before(async () => {
  ({ etcd } = await operator.init());
  addresses = loopbackServers(12, (await serve(0)).port);
  await Promise.all(SERVERS.map((server) => start(server)));
});
after(async () => {
  await Promise.all([...agents.values()].map((agent) => agent.end()));
  await etcd.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('the first release; then changes of one service are applied by all within moments', async (t) => {
  const first = await operator.expect(0, 'release', services(100), '--why', 'first');
  assert.match(first.out, /ring canary: applied by 1 of 1\nring rest: applied by 2 of 2/);
  await isWell();
  const times: number[] = [];
  for (let k = 0; k < 6; k++) {
    const file = services(50 + k);
    const began = performance.now();
    await operator.expect(0, 'release', file, '--why', `weight ${50 + k}`, '--urgent');
    times.push(performance.now() - began);
  }
  const argv = ['release', services(60), '--why', 'as typed', '--urgent', '--cluster', operator.clusterFile];
  const began = performance.now();
  const typed = spawnSync(process.execPath, ['src/cli/main.ts', 'cluster', ...argv], { encoding: 'utf8' });
  assert.equal(typed.status, 0, typed.stderr);
  const shown = times.map((ms) => Math.round(ms)).toSorted((a, b) => a - b);
  t.diagnostic(`from the command to applied by all, ring after ring: ${shown.join(', ')} ms`);
  t.diagnostic(`the same as a process of its own: ${Math.round(performance.now() - began)} ms`);
  assert.ok(shown.at(-1)! < 4000);
});

test('a rollout goes from ring to ring', async () => {
  const { n } = (await operator.json('release', services(70), '--why', 'in stages')).release;
  const out = await operator.expect(0, 'rollout', String(n), ...STAGES);
  assert.match(out.out, /rollout \d+ to release \d+: done/);
  assert.deepEqual(
    (await status()).rings.map(({ release }) => release),
    [n, n],
  );
  await isWell();
});

test('an empty release, one that removes too much, and one that no server can read are refused; nothing is applied', async () => {
  const before_ = await running();
  const refused: readonly [string, RegExp][] = [
    [operator.file('services: []\n'), /services/],
    [services(70, {}, 8), /removes 2 of 10 VIPs \(20 %\); allowed: 10 %/],
    [services(70, { panic: 2 }), /panic: found 2/],
  ];
  for (const [file, reason] of refused) {
    const { out, err } = await operator.expect(1, 'release', file, '--why', 'careless', '--urgent');
    assert.match(out + err, reason);
  }
  assert.deepEqual(await running(), before_);
});

test('a release that crashes the canary, twice, stops there, is given back, and is refused by its hash', async (t) => {
  const before_ = await running();
  const file = services(90);
  const made = (await operator.json('release', file, '--why', 'crashes')).release;
  await agents.get('lb-01')!.end('SIGTERM');
  let agent = await start('lb-01', `applied@${made.n}`);
  await isWell();
  const began = performance.now();
  const rollout = operator.run('rollout', String(made.n), ...STAGES);
  for (const time of [1, 2]) {
    await until(`crash ${time}`, 15_000, () => agent.ended !== undefined);
    agent = await start('lb-01', `applied@${made.n}`);
  }
  const { code, out } = await rollout;
  t.diagnostic(`halted and given back after ${Math.round(performance.now() - began)} ms, two starts of an agent included`);
  assert.equal(code, 1, out);
  assert.match(out, /rolledBack; .*(?:poison|the agent ended unexpectedly 2 times)/);
  await isWell();
  assert.deepEqual(await running(), before_);
  for (const server of ['lb-02', 'lb-03'] as const) {
    assert.equal(agents.get(server)!.ended, undefined);
    assert.ok(!agents.get(server)!.log.some(({ message }) => message.startsWith(`release ${made.n}: appl`)), server);
  }
  const again = await operator.expect(1, 'release', file, '--why', 'once more', '--urgent');
  assert.match(again.out + again.err, /is poison: /);
});

test('a rollback of a release that added much is not held up by the limit on what is removed', async () => {
  const { n } = (await operator.json('release', services(70, {}, 12), '--why', 'two more services')).release;
  assert.equal(
    (await operator.run('rollout', String(n), '--stage', 'canary:60s', '--stage', 'rest:0s', '--timeout', '4s')).code,
    4,
  );
  const back = await operator.expect(0, 'rollback', '--why', 'two too many');
  assert.match(back.out, /rolledBack/);
  await isWell();
});

test('a server in maintenance keeps what it runs and is excused; afterwards it follows', async () => {
  await operator.expect(0, 'maintenance', 'begin', 'lb-03', '--why', 'new disks', '--until', '1h');
  await until('held', 5000, async () => (await agents.get('lb-03')!.metric('fourlane_cluster_release_held')) === 1);
  const out = await operator.expect(0, 'release', services(80), '--why', 'meanwhile', '--urgent');
  assert.match(out.out, /: done/);
  assert.match((await operator.expect(0, 'why', 'lb-03')).out, /EXCUSED {2}in maintenance by ada@ops until .*: new disks/);
  await operator.expect(0, 'maintenance', 'end', 'm1');
  await isWell();
  const all = new Set(Object.values(await running()));
  assert.equal(all.size, 1);
});
