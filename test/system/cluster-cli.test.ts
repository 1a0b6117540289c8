/** The operator's walk over a real etcd with TLS and users: each command as it is typed, servers stood in for. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cluster } from '../../src/cli/cluster/cluster.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { Operator } from '../etcd/operator.ts';
import { StandIn } from '../etcd/stand-in.ts';
import { until } from '../../src/lab/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-walk-'));
const NAME = 'edge-2';
const SERVERS = { 'lb-01': 'canary', 'lb-02': 'rest', 'lb-03': 'rest' } as const;
const places = Object.entries(SERVERS).map(([name, ring]) => [name, `ring=${ring},rack=r-${name}`]);
const operator = new Operator({ dir, name: NAME, servers: Object.fromEntries(places) });
let etcd: EtcdCluster;
let standIns: StandIn[] = [];
let child: ChildProcess | undefined;
let refused: string | undefined;

const run = (...argv: string[]) => operator.run(...argv);
const expect = (code: number, ...argv: string[]) => operator.expect(code, ...argv);
const json = (...argv: string[]) => operator.json(...argv);

const TEN = Array.from({ length: 10 }, (_, i) => `10.0.0.${i + 1}:80`);
function file(services: Readonly<Record<string, readonly string[]>>): string {
  const lines = Object.entries(services).map(
    ([name, list], i) =>
      `  - {name: ${name}, vip: "10.9.0.${i + 1}:80/tcp", realServers: [${list.map((each) => `"${each}"`).join(', ')}]}`,
  );
  return operator.file(`services:\n${lines.join('\n')}\n`);
}
const ONE = file({ web: TEN });
const TWO = file({ web: [...TEN, '10.0.0.11:80'], api: ['10.0.1.1:80'] });

before(async () => {
  const made = await operator.init();
  ({ etcd } = made);
  assert.match(made.first.err, /etcd --name etcd-1 --data-dir .*\n.*--listen-client-urls https:\/\/10\.99\.0\.1:2379/);
  assert.match(made.second.out, /all certificates are there[^]*On each server \(lb-01, lb-02, lb-03\)/);
  const { endpoints } = etcd;
  standIns = Object.keys(SERVERS).map((server) => {
    return new StandIn({
      cluster: NAME,
      server,
      endpoints,
      tls: operator.tls(server),
      refuses: (root) => (root === refused ? 'no such check' : undefined),
    });
  });
});
after(async () => {
  child?.kill('SIGKILL');
  for (const each of standIns) await each.stop();
  await etcd.stop();
});

test('init overwrites nothing, and adds what is missing', async () => {
  const before_ = readFileSync(operator.clusterFile, 'utf8');
  const other = await expect(
    5,
    'init',
    '--name',
    'other',
    '--etcd',
    '10.1.1.1',
    '--server',
    'lb-01',
    '--dir',
    operator.certificates,
  );
  assert.match(other.err, /is of cluster edge-2 with .*and init overwrites nothing/);
  assert.equal(readFileSync(operator.clusterFile, 'utf8'), before_);
  const { roster } = await json('roster');
  assert.deepEqual(
    roster.map(({ server, ring }: { server: string; ring: string }) => [server, ring]),
    Object.entries(SERVERS),
  );
});

test('first release, plan, second release, rollback', async (t) => {
  const first = await expect(0, 'release', ONE, '--why', 'first');
  assert.match(
    first.out,
    /release 1 \(root [0-9a-f]{12}\) by ada@ops: first\n[^]*ring canary: applied by 1 of 1\nring rest: applied by 2 of 2/,
  );
  await expect(0, 'status');
  assert.match((await expect(0, 'release', ONE, '--why', 'again')).out, /nothing changes/);

  const plan = await expect(2, 'plan', TWO);
  assert.match(plan.out, /services: 1 added, 1 changed; real servers: 2 added, 0 removed/);
  assert.match(plan.out, /VIPs added: 1\n +10\.9\.0\.2:80\/tcp/);
  const less = await expect(1, 'plan', file({ web: TEN.slice(5) }));
  assert.match(less.out, /refused:\n.*removes 5 of 10 real servers \(50 %\); allowed: 10 %/);
  await expect(1, 'release', file({ web: TEN.slice(5) }), '--why', 'too much');
  assert.match((await expect(1, 'release', file({}), '--why', 'empty')).err, /services/);
  assert.match(
    (await expect(1, 'release', file({ web: ['nonsense'] }), '--why', 'bad')).err,
    /services-\d+\.yaml:2:\d+: services\[0\]/,
  );

  const began = performance.now();
  await expect(0, 'release', TWO, '--why', 'api is new', '--urgent');
  t.diagnostic(`from the command to applied by all: ${Math.round(performance.now() - began)} ms`);
  const status = await json('status');
  assert.deepEqual(
    status.rings.map(({ release, outcome }: { release: number; outcome: string }) => [release, outcome]),
    [
      [2, 'done'],
      [2, 'done'],
    ],
  );

  const back = await expect(1, 'rollback', '--why', 'api is broken');
  assert.match(back.err, /removes 1 of 2 VIPs \(50 %\); allowed: 10 %.*--allow-removed 50%/);
  assert.match(
    (await expect(0, 'rollback', '--why', 'api is broken', '--allow-removed', '50%')).out,
    /release 3 .*back to release 1: api is broken/,
  );
  const why = await expect(0, 'why', 'lb-01');
  assert.match(why.out, /lb-01: DONE {2}runs release 3[^]*reports: applied release 3/);
});

test('the rule of a budget is changed, what is not named stays, and nonsense is refused', async () => {
  const made = await expect(0, 'budget', 'set', 'server', '--max', '2', '--share', '0%', '--floor', '2');
  assert.match(made.out, /budget server: at most 2 of the cluster at once, at least 2 go on announcing, 0 while blind/);
  assert.match((await expect(0, 'budget')).out, /server +cluster +2 +2 +0/);
  const { budgets } = await json('budget', 'set', 'server', '--share', '12.5%').then(() => json('budget'));
  const { rule } = budgets.find(({ budget }: { budget: string }) => budget === 'server');
  assert.deepEqual(rule, { scope: 'cluster', max: { servers: 2, share: 0.125 }, floor: 2, blind: 0 });
  for (const [words, reason] of [
    [['server'], /name what is to change/],
    [['server', '--scope', 'moon'], /found moon; allowed: cluster, site, rack/],
    [['server', '--share', '200%'], /found 200%; allowed: 0% … 100%/],
    [['moon', '--max', '1'], /there is no budget moon; there are: server, nic/],
  ] as const)
    assert.match((await expect(1, 'budget', 'set', ...words)).err, reason);
});

test('a server in maintenance is excused, named, and waited for again afterwards', async () => {
  assert.match(
    (await expect(1, 'maintenance', 'begin', 'lb-9', '--why', 'disks')).err,
    /lb-9 is in no roster; there are: lb-01, lb-02, lb-03/,
  );
  await expect(0, 'maintenance', 'begin', 'lb-03', '--why', 'new disks', '--until', '1h');
  standIns[2]!.idle = true;
  const released = await expect(0, 'release', file({ web: [...TEN, '10.0.0.12:80'] }), '--why', 'one more', '--urgent');
  assert.match(released.out, /rollout 2 to release 4: done/);
  assert.match((await expect(0, 'why', 'lb-03')).out, /EXCUSED {2}in maintenance by ada@ops until .*: new disks \(m1\)/);
  await expect(0, 'maintenance', 'end', 'm1');
  assert.match((await expect(2, 'status')).out, /lb-03 +rest +r-lb-03 +PENDING/);
  standIns[2]!.idle = false;
  await until('lb-03 runs it', 5000, async () => (await run('status')).code === 0);
});

test('of two writers at once one is told who was first, and with what', async () => {
  const wanted = ['10.0.0.21:80', '10.0.0.22:80'].map((address) => file({ web: [...TEN, '10.0.0.12:80', address] }));
  const both = await Promise.all(wanted.map((each, i) => run('release', each, '--why', `writer ${i}`, '--urgent')));
  assert.deepEqual(
    both.map(({ code }) => code).toSorted((a, b) => a - b),
    [0, 5],
    JSON.stringify(both),
  );
  const loser = both.find(({ code }) => code === 5)!;
  assert.match(
    loser.err,
    /meanwhile .*release \d+ of ada@ops, made at .* \(writer \d\); yours differs from it: .*1 added, 1 removed/,
  );
});

test('a rollout goes on after its leader was killed; one refusal stops another before anything is applied', async (t) => {
  const next = file({ web: [...TEN, '10.0.0.12:80', '10.0.0.31:80'] });
  const { n } = (await json('release', next, '--why', 'in stages')).release;
  const argv = ['rollout', String(n), '--stage', 'canary:60s', '--stage', 'rest:1s', '--cluster', operator.clusterFile];
  child = spawn(process.execPath, ['src/cli/fourlane.mjs', 'cluster', ...argv], { stdio: 'ignore' });
  const rollout = async () => (await json('status')).rollouts[0];
  await until('it soaks', 20_000, async () => (await rollout()).state === 'soaking');
  assert.match((await expect(1, 'rollback', '1', '--why', 'x')).err, /rollout \d+ is under way; take it back first/);
  assert.match(
    (await expect(5, 'rollout', '1', '--stage', 'canary', '--stage', 'rest')).err,
    /rollout \d+ of .* to release \d+ is soaking/,
  );
  child.kill('SIGKILL');
  assert.equal((await run('rollout', '--lead', '--timeout', '1s')).code, 4, 'the lead key is still there');
  // 64 bits: no number of JavaScript.
  const [, lease] = /"lease":(\d+)/.exec(await etcd.ctl(['get', `/fourlane/${NAME}/lead/rollout`, '-w', 'json']))!;
  await etcd.ctl(['lease', 'revoke', BigInt(lease!).toString(16)]);
  const began = performance.now();
  assert.equal((await run('rollout', '--lead', '--timeout', '1s')).code, 4, 'it leads, and soaks anew');
  await expect(0, 'rollback', '--why', 'enough seen');
  t.diagnostic(`taken back within ${Math.round(performance.now() - began)} ms`);
  assert.equal((await rollout()).state, 'rolledBack');

  const bad = await json('release', file({ web: [...TEN, '10.0.0.12:80', '10.0.0.41:80'] }), '--why', 'refused by a server');
  refused = bad.release.root;
  const stages = ['--stage', 'canary:1s', '--stage', 'rest:1s'];
  const left = await expect(1, 'rollout', String(bad.release.n), ...stages, '--on-halt', 'stay');
  assert.match(left.out, /halted; lb-0\d of ring \w+: refused: no such check\nnext: fourlane cluster rollback takes it back/);
  assert.match((await expect(0, 'rollback', '--why', 'no such check')).out, /rollout \d+ to release \d+: rolledBack/);
  const { rings } = await json('status');
  assert.ok(rings.every(({ release, preparing }: { release: number; preparing: null }) => release < n && preparing === null));
  assert.match((await expect(1, 'rollout', '99')).err, /release 99: it is not there/);
});

test('who leads as a service goes on with a rollout whose command has ended', async () => {
  const argv = ['src/cli/fourlane.mjs', 'cluster', 'lead', '--cluster', operator.clusterFile];
  child = spawn(process.execPath, argv, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child!.once('exit', resolve));
  const { n } = (await json('release', file({ web: [...TEN, '10.0.0.12:80', '10.0.0.51:80'] }), '--why', 'by a service')).release;
  await run('rollout', String(n), '--stage', 'canary:2s', '--stage', 'rest:0s', '--timeout', '300ms');
  const newest = async () => (await json('status')).rollouts[0];
  const done = await until('done', 20_000, async () => (await newest()).state === 'done' && newest());
  assert.equal(done.release, n);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('what is hostile in etcd is named, hides nothing, and does no harm', async () => {
  const keys = [
    'roster/x',
    'target/rest2',
    'release/77',
    'applied/lb-02x',
    'rollout/9',
    'lead/rollout',
    'what/is/this',
    'evidence/0/lb-02',
  ];
  for (const key of keys) await etcd.ctl(['put', `/fourlane/${NAME}/${key}`, '{"a":\u001b[31m']);
  await etcd.ctl(['put', `/fourlane/${NAME}/roster/evil%1b%5b2J`, '{"ring":"rest"}']);
  const status = await expect(2, 'status');
  assert.match(status.out, /DAMAGED/);
  for (const key of keys.filter((each) => !each.startsWith('what'))) assert.ok(status.out.includes(key), key);
  assert.match(status.out, /lb-02 +rest .*DONE/);
  for (const argv of [
    ['why', 'lb-02'],
    ['plan', TWO],
    ['maintenance'],
    ['roster'],
    ['poison'],
    ['budget'],
    ['rollout', '--lead', '--timeout', '1s'],
  ])
    assert.notEqual((await run(...argv)).code, 6, argv.join(' '));
  for (const key of [...keys, 'roster/evil%1b%5b2J']) await etcd.ctl(['del', `/fourlane/${NAME}/${key}`]);
  await until('all is well again', 5000, async () => (await run('status')).code === 0);
});

test('a server may not write what only an operator may, and etcd that is gone is named', async () => {
  const yaml = readFileSync(operator.clusterFile, 'utf8').replaceAll('api.', 'lb-01.');
  writeFileSync(join(dir, 'lb.yaml'), yaml);
  const io = { out: () => undefined, err: () => undefined };
  assert.equal(await cluster(['roster', 'remove', 'lb-02', '--cluster', join(dir, 'lb.yaml')], io), 6);
  assert.equal(await cluster(['status', '--cluster', join(dir, 'lb.yaml')], io), 0, 'reading is for everybody of the cluster');
  for (const n of [1, 2, 3]) await etcd.kill(n);
  assert.match((await expect(6, 'status')).err, /etcd: .*; look whether the members run/);
});
