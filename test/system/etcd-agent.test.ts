/** A real agent with a real etcd, without one, and with one that comes late: what is loaded, shown, logged and held up. */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { putRequest } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { CLUSTER, EtcdCluster, PREFIX } from '../etcd/cluster.ts';
import { costOf } from '../etcd/idle-cost.ts';
import { AgentProcess, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';
import { watchModules } from './modules.ts';
import { niceOf, threadsOf } from './threads.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-etcd-agent-'));
/** Of a core. */
const MOST_IDLE_PERCENT = 0.5;
/**
 * Where all code of the cluster runs. In their other threads two young agents that are alike differ by more than the limit:
 * `npm run bench:cluster` judges all threads of six old ones.
 */
const OF_CLUSTER = ['cluster', 'MainThread'];
/** Five of them, of which the median counts: young agents compile and collect in bursts, each at times of its own. */
const WINDOW_MS = 4000;
let cluster: EtcdCluster;
let servers: readonly string[];

before(async () => {
  cluster = await EtcdCluster.start({ dir: join(dir, 'etcd') });
  servers = loopbackServers(2, (await serve(0)).port);
});
after(() => cluster.stop());

function config(name: string, etcd: boolean): string {
  const tls = cluster.tls('lb-01');
  const body = {
    cluster: etcd ? { name: CLUSTER, etcd: { endpoints: cluster.endpoints, tls } } : CLUSTER,
    server: 'lb-01',
    listen: '127.0.0.1:0',
    stateDir: join(dir, name),
    nics: [{ name: 'lo2', device: 'lo', source: '127.0.0.2' }],
    services: [{ name: 'web', vip: '10.0.0.1:80/tcp', check: { type: 'tcp', interval: '1s' }, realServers: servers }],
    rules: QUICK,
  };
  return writeConfig(dir, body, `${name}.yaml`);
}

const hasThread = (pid: number) => threadsOf(pid).some(({ name }) => name === 'cluster');

test('without an etcd nothing of it is loaded, no thread, no series; a reload joins, another one leaves', async (t) => {
  const { wrap, loaded } = watchModules(dir);
  const ofCluster = () => loaded().filter((url) => /\/src\/cluster\/|@grpc/.test(url));
  const agent = await AgentProcess.start(config('off', false), { wrap });
  t.after(() => agent.end());
  await agent.allGood();
  assert.equal(await agent.metric('fourlane_cluster_connected'), undefined);
  assert.ok(!hasThread(agent.pid));
  assert.deepEqual(new Set(niceOf(agent.pid, 'V8Worker')), new Set([0]));
  assert.ok(
    loaded().some((url) => url.endsWith('/src/daemon/clustering.ts')) && loaded().some((url) => url.endsWith('lane.worker.ts')),
  );
  assert.deepEqual(ofCluster(), []);
  config('off', true);
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  await until('connected', 10_000, async () => (await agent.metric('fourlane_cluster_connected')) === 1);
  assert.ok(hasThread(agent.pid) && ofCluster().some((url) => url.includes('@grpc/grpc-js')));
  const giveWay = ['cluster', 'V8Worker'].flatMap((name) => niceOf(agent.pid, name));
  assert.deepEqual(new Set(giveWay), new Set([10]), 'lanes and judge go first');
  config('off', false);
  assert.equal((await agent.ask('/-/reload', 'POST')).status, 200);
  await until('left', 5000, async () => (await agent.metric('fourlane_cluster_connected')) === undefined);
  await until('no thread', 5000, () => !hasThread(agent.pid));
});

test('with an etcd its state is shown; idle it takes next to nothing; gone, it stops nothing', async (t) => {
  const [off, on] = [await AgentProcess.start(config('plain', false)), await AgentProcess.start(config('on', true))];
  t.after(() => Promise.all([off.end(), on.end()]));
  for (const agent of [off, on]) await agent.allGood();
  await until('connected', 10_000, async () => (await on.metric('fourlane_cluster_connected')) === 1);
  const connected = performance.now();
  const api = cluster.caller('api');
  await api.call(METHODS.put, putRequest(`${PREFIX}target/r1`, '{}'), { timeoutMs: 3000 });
  api.close();
  await until('a key', 10_000, async () => (await on.metric('fourlane_cluster_keys', 'target')) === 1);
  assert.equal(await on.metric('fourlane_cluster_stale_seconds'), 0);
  assert.ok((await on.metric('fourlane_cluster_certificate_not_after_timestamp_seconds'))! > Date.now() / 1000);

  // The memory that its start took is given back once, 10 s after it is connected.
  await until('at rest', 15_000, () => performance.now() - connected > 12_000);
  const { percent, megabytes, threads } = await costOf([{ alone: off, among: on }], WINDOW_MS);
  const shown = threads.map(({ thread, percent }) => `${thread} ${percent.toFixed(2)} %`).join(', ');
  t.diagnostic(`idle: ${percent.toFixed(2)} % of a core (${shown}), ${megabytes.toFixed(1)} MB more than without`);

  for (const n of [1, 2, 3]) await cluster.kill(n);
  await until('shown', 10_000, async () => (await on.metric('fourlane_cluster_connected')) === 0);
  await until('stale', 10_000, async () => (await on.metric('fourlane_cluster_stale_seconds'))! > 1);
  assert.ok(on.logged(/^etcd not connected/));
  assert.equal(await on.metric('fourlane_cluster_keys', 'target'), 1, 'what is known stays');
  await on.allGood();
  for (const n of [1, 2, 3]) cluster.boot(n);
  await until('connected again', 30_000, async () => (await on.metric('fourlane_cluster_connected')) === 1);
  // What one thread takes less by chance does not make up for what another one takes more.
  const own = threads
    .filter(({ thread }) => OF_CLUSTER.includes(thread))
    .reduce((sum, each) => sum + Math.max(0, each.percent), 0);
  assert.ok(threads.some(({ thread }) => thread === 'cluster') && own <= MOST_IDLE_PERCENT, shown);
});
