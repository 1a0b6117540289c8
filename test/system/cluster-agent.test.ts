/** Two real agents and a real etcd: releases applied, refused, held, crashed on, and remembered; with etcd, and without. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import type { Applied } from '../../src/cluster/values.ts';
import { CLUSTER, EtcdCluster, PREFIX } from '../etcd/cluster.ts';
import { Releaser } from '../etcd/release.ts';
import { AgentProcess, listening, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-cluster-agent-'));
const SERVERS = ['lb-01', 'lb-02'] as const;
type Server = (typeof SERVERS)[number];
const agents = new Map<Server, AgentProcess>();
let cluster: EtcdCluster;
let api: Caller;
let releaser: Releaser;
let addresses: readonly string[];

before(async () => {
  cluster = await EtcdCluster.start({ dir: join(dir, 'etcd') });
  for (const server of SERVERS)
    await cluster.ctl(['role', 'grant-permission', server, '--prefix=true', 'readwrite', `${PREFIX}poison/`]);
  api = cluster.caller('api');
  releaser = new Releaser(api);
  addresses = loopbackServers(12, (await serve(0)).port);
  await releaser.roster('lb-01', 'canary');
  await releaser.roster('lb-02', 'rest');
});
after(async () => {
  await Promise.all([...agents.values()].map((agent) => agent.end()));
  api.close();
  await cluster.stop();
  rmSync(dir, { recursive: true, force: true });
});

function clusterOf(server: Server, onBootWithoutEtcd: 'good' | 'out' = 'good') {
  const etcd = { endpoints: cluster.endpoints, tls: cluster.tls(server) };
  return { name: CLUSTER, etcd, prove: '300ms', onBootWithoutEtcd };
}

/** The file of a server: what is its own. */
function fileOf(server: Server, more: object = {}, onBootWithoutEtcd: 'good' | 'out' = 'good'): string {
  const body = {
    cluster: clusterOf(server, onBootWithoutEtcd),
    server,
    listen: '127.0.0.1:0',
    stateDir: join(dir, server),
    nics: [{ name: server === 'lb-01' ? 'eth2' : 'eth3', device: 'lo', source: '127.0.0.2' }],
    ...more,
  };
  return writeConfig(dir, body, `${server}.yaml`);
}

async function start(server: Server, killAt?: string): Promise<AgentProcess> {
  const wrap = killAt === undefined ? [] : ['env', `FOURLANE_CHAOS_KILL_AT=${killAt}`];
  const agent = await AgentProcess.start(fileOf(server), { wrap });
  agents.set(server, agent);
  return agent;
}

/** What a release carries: `count` services of three real servers each. */
function services(count: number, weight = 100) {
  const check = { type: 'tcp', interval: '200ms' };
  const realServers = (k: number) => addresses.slice(k, k + 3).map((address) => ({ address, weight: k === 0 ? weight : 100 }));
  const list = Array.from({ length: count }, (_, k) => ({
    name: `web${k}`,
    vip: `10.0.0.${k + 1}:80/tcp`,
    check,
    realServers: realServers(k),
  }));
  return { rules: QUICK, services: list };
}

async function release(n: number, config: object, rings: readonly string[] = ['canary', 'rest']): Promise<string> {
  const root = await releaser.release(n, config);
  for (const ring of rings) await releaser.target(ring, { release: n, root });
  return root;
}

/** Waits for what a server reports of a release. */
function reports(server: Server, n: number, state: Applied['state'], limitMs = 20_000): Promise<Applied> {
  return until(`${server} ${state} ${n}`, limitMs, async () => {
    const found = await releaser.applied(server);
    if (found?.release === n && found.state === state) return found;
    throw new Error(`${JSON.stringify(found)} ${JSON.stringify(agents.get(server)?.log.slice(-3))}`);
  });
}

const names = async (server: Server) => (await agents.get(server)!.status()).services.map(({ name }) => name);

/** A root that runs on both; set by the first test. */
let good = '';

test('a release is applied by all, and what is reported is what runs; a change of one service takes moments', async (t) => {
  await start('lb-01');
  agents.set('lb-02', await AgentProcess.start(fileOf('lb-02', services(10))));
  assert.deepEqual(await names('lb-01'), [], 'nothing is released yet');
  const first = await release(1, services(10));
  // The way from one file to a cluster: what runs stays until the file leaves it to the release.
  assert.match((await reports('lb-02', 1, 'refused')).error!, /the file on this server has services, rules, which/);
  fileOf('lb-02');
  const moved = await agents.get('lb-02')!.ask('/-/reload', 'POST');
  assert.equal(moved.status, 400);
  assert.match(moved.text, /no release of the cluster has run here yet; what runs stays until one does/);
  for (const server of SERVERS) {
    const { running, plan, lastGood } = await reports(server, 1, 'applied');
    assert.equal(running, first);
    assert.equal(plan!.added, server === 'lb-01' ? 10 : 0);
    assert.ok(lastGood === null || lastGood === first);
    assert.equal((await names(server)).length, 10);
    await until('a member', 3000, () => releaser.get(`member/${server}`));
    assert.equal(await agents.get(server)!.metric('fourlane_cluster_release_matches'), 1);
    assert.equal(await agents.get(server)!.metric('fourlane_cluster_release_state', 'applied'), 1);
  }
  const [one, two] = await Promise.all(SERVERS.map((server) => releaser.applied(server)));
  assert.equal(one!.planHash, two!.planHash, 'the same release means the same, whatever the NIC is called');
  const began = performance.now();
  good = await release(2, services(10, 50));
  for (const server of SERVERS) assert.equal((await reports(server, 2, 'applied')).running, good);
  t.diagnostic(`a changed service was applied by both after ${Math.round(performance.now() - began)} ms`);
  for (const server of SERVERS) await until('proven', 5000, async () => (await releaser.applied(server))?.lastGood === good);
});

test('file and release stay apart: a reload keeps the release, and a file with services is refused', async () => {
  const agent = agents.get('lb-01')!;
  fileOf('lb-01', { evidence: { log: join(dir, 'evidence') } });
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  assert.equal((await names('lb-01')).length, 10);
  fileOf('lb-01', { services: services(1).services });
  const { status, text } = await agent.ask('/-/reload', 'POST');
  assert.equal(status, 409);
  assert.match(text, /the file on this server has services, which the cluster's release carries; take them out of the file/);
  fileOf('lb-01');
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  assert.equal((await releaser.applied('lb-01'))!.running, good);
});

test('a bad release changes nothing, and the reason stands in etcd; the old one clears it', async () => {
  const invalid = services(10);
  Object.assign(invalid.services[3]!, { panic: 2 });
  const bad: readonly [object, RegExp][] = [
    [{ services: [] }, /release 3 has no services; an empty configuration is never applied/],
    [services(8), /release 4 removes 2 of 10 VIPs \(20 %\); allowed: 10 %.*removes 6 of 30 real servers/],
    [invalid, /release 5: services\."web3"\.panic: found 2/],
  ];
  for (const [k, [config, reason]] of bad.entries()) {
    await release(3 + k, config, ['canary']);
    const { error, running, lastGood } = await reports('lb-01', 3 + k, 'refused');
    assert.match(error!, reason);
    assert.deepEqual([running, lastGood], [good, good]);
  }
  const root = await releaser.release(6, { ...services(10), rules: { ...QUICK, rs_hold_down_ms: 700 } }, { without: 'base' });
  await releaser.target('canary', { release: 6, root });
  assert.match((await reports('lb-01', 6, 'refused')).error!, /blob\/[0-9a-f]{64}: release 6 needs it, and it is not there/);
  assert.equal((await names('lb-01')).length, 10);
  const { release: shown } = await agents.get('lb-01')!.status();
  assert.deepEqual([shown!.state, shown!.target, shown!.running?.root], ['refused', { release: 6, root }, good]);
  await releaser.target('canary', { release: 2, root: good });
  assert.equal((await reports('lb-01', 2, 'applied')).error, null);
});

test('a server in maintenance holds, and says why; afterwards it follows', async () => {
  await releaser.maintenance('m1', 'lb-02');
  await until('held', 5000, async () => (await agents.get('lb-02')!.metric('fourlane_cluster_release_held')) === 1);
  const root = await release(7, services(10, 60));
  await reports('lb-01', 7, 'applied');
  assert.equal((await reports('lb-02', 7, 'held')).running, good);
  await releaser.delete('maintenance/m1');
  assert.equal((await reports('lb-02', 7, 'applied')).running, root);
  good = root;
  for (const server of SERVERS) await until('proven', 5000, async () => (await releaser.applied(server))?.lastGood === good);
});

test('a process that is killed at any moment of a release ends up with it', async () => {
  await agents.get('lb-01')!.end('SIGTERM');
  // Each is started for what comes next: the moment of a later release, at last that of the next test.
  const moments = ['fetched@10', 'saved@11', 'apply@12', 'report@13'];
  let agent = await start('lb-01', moments[0]);
  for (const [k, moment] of moments.entries()) {
    const n = 10 + k;
    const root = await release(n, services(10, 70 + k), ['canary']);
    await until(`killed at ${moment}`, 20_000, () => agent.ended !== undefined);
    agent = await start('lb-01', moments[k + 1] ?? 'applied@20');
    assert.equal((await reports('lb-01', n, 'applied')).running, root);
    await until('proven', 5000, async () => (await releaser.applied('lb-01'))?.lastGood === root);
    good = root;
  }
});

test('a release that crashes a server twice is refused by its hash, by it and by others; what was good runs', async () => {
  const root = await release(20, services(10, 90), ['canary']);
  for (const time of [1, 2]) {
    await until(`crash ${time}`, 20_000, () => agents.get('lb-01')!.ended !== undefined);
    await start('lb-01', 'applied@20');
  }
  const last = agents.get('lb-01')!;
  const { error, running } = await reports('lb-01', 20, 'refused');
  assert.match(error!, /the root is poison: the agent ended unexpectedly 2 times while it ran release 20/);
  assert.equal(running, good);
  await until('known to all', 5000, () => releaser.get(`poison/${root}`));
  await releaser.target('rest', { release: 20, root });
  assert.match((await reports('lb-02', 20, 'refused')).error!, /the root is poison: found by lb-01/);
  assert.equal(last.ended, undefined);
});

test('without etcd nothing changes, and a server starts with what was good, and remembers what was not', async () => {
  const before = await names('lb-02');
  for (const n of [1, 2, 3]) await cluster.kill(n);
  await until('noticed', 15_000, async () => (await agents.get('lb-02')!.metric('fourlane_cluster_connected')) === 0);
  await agents.get('lb-01')!.end('SIGKILL');
  const agent = await start('lb-01');
  await agent.allGood();
  assert.equal((await names('lb-01')).length, 10);
  assert.equal(await agent.metric('fourlane_cluster_poison'), 1);
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  assert.equal((await names('lb-01')).length, 10, 'a reload without etcd keeps the release');
  assert.deepEqual(await names('lb-02'), before);
  await agents.get('lb-02')!.end('SIGTERM');
  const out = AgentProcess.spawn(fileOf('lb-02', {}, 'out'));
  agents.set('lb-02', out);
  await until('waiting', 10_000, () => out.logged(/^waiting for etcd$/));
  for (const n of [1, 2, 3]) cluster.boot(n);
  await out.ready();
  assert.equal((await names('lb-02')).length, 10);
  await cluster.healthy();
  assert.match((await reports('lb-01', 20, 'refused')).error!, /the root is poison/);
  const root = await release(21, services(10, 95));
  for (const server of SERVERS) assert.equal((await reports(server, 21, 'applied')).running, root);
});

test('what an actuator can not do is reported as drift, and tried once more by policy', async () => {
  let status = 200;
  const hook = createServer((req, res) => void req.resume().on('end', () => res.writeHead(status).end()));
  await listening(hook);
  const victim = await serve(0, undefined, '127.9.0.1');
  const agent = agents.get('lb-01')!;
  try {
    fileOf('lb-01', { cluster: { ...clusterOf('lb-01'), drift: { dataPlane: 'repair' } } });
    assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
    const config = services(10, 95);
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    const [first, ...rest] = config.services;
    const own = { ...first!, realServers: [...first!.realServers, { address: `127.9.0.1:${victim.port}`, weight: 100 }] };
    await release(22, { ...config, services: [{ ...own, actuator: { webhook: { url } } }, ...rest] }, ['canary']);
    await reports('lb-01', 22, 'applied');
    await agent.allGood(20_000);
    status = 500;
    await victim.close();
    const drift = async () => (await releaser.applied('lb-01'))!.drift;
    await until('drift', 20_000, async () => (await drift()).count === 1);
    assert.match((await drift()).samples[0]!, /^webhook: real server 127\.9\.0\.1:\d+ of web0 is not disabled$/);
    await until('repaired', 20_000, async () => (await agent.metric('fourlane_cluster_repairs_total', 'of="data_plane"')) === 1);
    assert.ok(agent.logged(/^the data plane is not as it was decided; it is put right once$/));
    assert.equal((await drift()).count, 1, 'it can not be');
    status = 200;
    await until('as it was decided', 40_000, async () => (await drift()).count === 0);
    assert.equal(await agent.metric('fourlane_cluster_repairs_total', 'of="data_plane"'), 1, 'once');
  } finally {
    hook.close();
    hook.closeAllConnections();
  }
});
