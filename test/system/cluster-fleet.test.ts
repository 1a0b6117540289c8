/**
 * Real agents, real commands, a real etcd with the users and roles that `init` makes: from the first release to a poison one, and
 * through faults, while clients are served.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PROGRAM } from '../../src/lab/program.ts';
import { FLEET_FAULTS, SHORT } from '../etcd/fleet-faults.ts';
import { RealFleet } from '../etcd/real-fleet.ts';
import { until } from './harness.ts';
import { PATIENCE } from './patience.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-fleet-'));
const STAGES = ['--stage', 'canary:500ms', '--stage', 'rest:0s'];
let fleet: RealFleet;

const services = (weight: number, more: object = {}, count = 10) => fleet.file({ weight, more, count });
const status = () => fleet.status();
const running = async () => Object.fromEntries((await status()).servers.map((each) => [each.server, each.running]));
const isWell = () => fleet.isWell();

before(async () => {
  fleet = await RealFleet.start(dir);
});
after(async () => {
  await fleet?.end();
  rmSync(dir, { recursive: true, force: true });
});

test('changes of one service are applied by all within moments', async (t) => {
  const times: number[] = [];
  for (let k = 0; k < 6; k++) {
    const file = services(50 + k);
    const began = performance.now();
    await fleet.operator.expect(0, 'release', file, '--why', `weight ${50 + k}`, '--urgent');
    times.push(performance.now() - began);
  }
  const argv = ['release', services(60), '--why', 'as typed', '--urgent', '--cluster', fleet.operator.clusterFile];
  const began = performance.now();
  // Not waited for with this thread: clients and real servers live in it.
  await promisify(execFile)(process.execPath, [PROGRAM, 'cluster', ...argv]);
  const shown = times.map((ms) => Math.round(ms)).toSorted((a, b) => a - b);
  t.diagnostic(`from the command to applied by all, ring after ring: ${shown.join(', ')} ms`);
  t.diagnostic(`the same as a process of its own: ${Math.round(performance.now() - began)} ms`);
  assert.ok(shown.at(-1)! < 4000 * PATIENCE, shown.join(' '));
});

test('a rollout goes from ring to ring', async () => {
  const { n } = (await fleet.operator.json('release', services(70), '--why', 'in stages')).release;
  const out = await fleet.operator.expect(0, 'rollout', String(n), ...STAGES);
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
    [fleet.operator.file('services: []\n'), /services/],
    [services(70, {}, 8), /removes 2 of 10 VIPs \(20 %\); allowed: 10 %/],
    [services(70, { panic: 2 }), /panic: found 2/],
  ];
  for (const [file, reason] of refused) {
    const { out, err } = await fleet.operator.expect(1, 'release', file, '--why', 'careless', '--urgent');
    assert.match(out + err, reason);
  }
  assert.deepEqual(await running(), before_);
});

test('a release that crashes the canary, twice, stops there, is given back, and is refused by its hash', async (t) => {
  const before_ = await running();
  const file = services(90);
  const made = (await fleet.operator.json('release', file, '--why', 'crashes')).release;
  await fleet.agents.get('lb-01')!.end('SIGTERM');
  let agent = await fleet.start('lb-01', { killAt: `applied@${made.n}` });
  await isWell();
  const began = performance.now();
  const rollout = fleet.operator.run('rollout', String(made.n), ...STAGES);
  for (const time of [1, 2]) {
    await until(`crash ${time}`, 15_000, () => agent.ended !== undefined);
    agent = await fleet.start('lb-01', { killAt: `applied@${made.n}` });
  }
  const { code, out } = await rollout;
  t.diagnostic(`halted and given back after ${Math.round(performance.now() - began)} ms, two starts of an agent included`);
  assert.equal(code, 1, out);
  assert.match(out, /rolledBack; .*(?:poison|the agent ended unexpectedly 2 times)/);
  await isWell();
  assert.deepEqual(await running(), before_);
  for (const server of ['lb-02', 'lb-03'] as const) {
    assert.equal(fleet.agents.get(server)!.ended, undefined);
    assert.ok(!fleet.agents.get(server)!.log.some(({ message }) => message.startsWith(`release ${made.n}: appl`)), server);
  }
  const again = await fleet.operator.expect(1, 'release', file, '--why', 'once more', '--urgent');
  assert.match(again.out + again.err, /is poison: /);
});

test('a rollback of a release that added much is not held up by the limit on what is removed', async () => {
  const { n } = (await fleet.operator.json('release', services(70, {}, 12), '--why', 'two more services')).release;
  assert.equal(
    (await fleet.operator.run('rollout', String(n), '--stage', 'canary:60s', '--stage', 'rest:0s', '--timeout', '4s')).code,
    4,
  );
  const back = await fleet.operator.expect(0, 'rollback', '--why', 'two too many');
  assert.match(back.out, /rolledBack/);
  await isWell();
});

test('a server in maintenance keeps what it runs and is excused; afterwards it follows', async () => {
  await fleet.operator.expect(0, 'maintenance', 'begin', 'lb-03', '--why', 'new disks', '--until', '1h');
  await until('held', 5000, async () => (await fleet.agents.get('lb-03')!.metric('fourlane_cluster_release_held')) === 1);
  const out = await fleet.operator.expect(0, 'release', services(80), '--why', 'meanwhile', '--urgent');
  assert.match(out.out, /: done/);
  const { text } = await fleet.agents.get('lb-01')!.ask('/cluster');
  assert.match(text, /2 of 3 servers run what they should[^]*lb-03<\/th>[^]*▲ maintenance[^]*new disks/);
  const seen = JSON.parse((await fleet.agents.get('lb-02')!.ask('/api/v1/cluster')).text);
  assert.deepEqual([seen.error, seen.status.servers[2].state, seen.status.maintenance.length], ['', 'held', 1]);
  assert.match((await fleet.operator.expect(0, 'why', 'lb-03')).out, /EXCUSED {2}in maintenance by ada@ops until .*: new disks/);
  await fleet.operator.expect(0, 'maintenance', 'end', 'm1');
  await isWell();
  const all = new Set(Object.values(await running()));
  assert.equal(all.size, 1);
});

for (const name of SHORT)
  test(`${name}: releases go on, and no client notices`, async (t) => {
    t.diagnostic(await FLEET_FAULTS[name]!(fleet));
  });

test('through all of it no request of a client failed, on whatever server', () => {
  const { sent, failed } = fleet.clients.take();
  assert.deepEqual(failed, []);
  assert.ok(sent > 500, `${sent} requests`);
});
