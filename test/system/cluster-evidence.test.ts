/**
 * Four real agents in namespaces of their own, a real etcd, real commands: whose fault it is by the word of all, who withdraws
 * and who may not, and a release that is bad for the real servers.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bgpCommand } from '../../src/cli/bgp.ts';
import type { ClusterStatus } from '../../src/model/cluster-status.ts';
import { printed } from '../cli/printed.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { Operator } from '../etcd/operator.ts';
import { AgentProcess, QUICK, serve, until, writeConfig } from './harness.ts';
import { startBird } from './one-bird.ts';
import { ALL_REAL_SERVERS, drop, GATEWAY, makeNetwork, nicOf, realServerOf, webOf } from './lb-network.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-evidence-'));
const NAME = 'edge-4';
const SERVERS = ['lb-01', 'lb-02', 'lb-03', 'lb-04'] as const;
type Server = (typeof SERVERS)[number];
const places = SERVERS.map((server, k) => [server, `ring=${k === 0 ? 'canary' : 'rest'},rack=lb-rack-${k}`]);
const operator = new Operator({ dir, name: NAME, servers: Object.fromEntries(places) });
const RACKS = [1, 2, 3];
const REAL = RACKS.flatMap((rack) => [1, 2, 3, 4].map((k) => ({ ip: realServerOf(rack, k), rack: `r${rack}` })));
/**
 * Two others are enough here; what they say counts as soon as it has held for a moment. A rack goes down together within as many
 * seconds as in production: rounds are a fifth as long here.
 */
const RULES = { ...QUICK, fleet_min_witnesses: 2, fleet_hold_ms: 500, rack_window_rounds: 10 };
const POOL = '10.64.0.0/28';
const agents = new Map<Server, AgentProcess>();
let etcd: EtcdCluster;
let port = 0;
let closeRealServers: () => Promise<void>;

const trackFile = (server: Server) => join(dir, `${server}.isolated`);
const agent = (server: Server) => agents.get(server)!;

function file(check: object = { type: 'tcp', interval: '200ms' }): string {
  const all = REAL.map(({ ip, rack }) => ({ address: `${ip}:${port}`, rack }));
  const services = [
    { name: 'web', vip: '10.0.0.1:80/tcp', check: { type: 'tcp', interval: '200ms' }, realServers: all },
    { name: 'api', vip: '10.0.0.2:80/tcp', check, realServers: all.slice(0, 2) },
  ];
  return operator.file(JSON.stringify({ rules: RULES, services }));
}

const clusterOf = (server: Server) => ({
  name: NAME,
  etcd: { endpoints: etcd.endpoints, tls: operator.tls(server) },
  prove: '300ms',
});
const snatOf = (server: Server) => ({ pool: POOL, servers: 4, cores: 4, server: SERVERS.indexOf(server), groups: { eth2: 0 } });

async function start(server: Server, n: number): Promise<void> {
  const body = {
    cluster: clusterOf(server),
    server,
    // One of them announces what it would take over from the others.
    ...(server === 'lb-02' ? { snat: snatOf(server) } : {}),
    listen: `${webOf(n)}:0`,
    stateDir: join(dir, server),
    nics: [{ name: 'eth2', device: 'eth2', anchors: [GATEWAY] }],
    onIsolated: [{ trackFile: { path: trackFile(server) } }],
  };
  const wrap = ['ip', 'netns', 'exec', server];
  agents.set(server, await AgentProcess.start(writeConfig(dir, body, `${server}.yaml`), { wrap }));
}

/** No verdict anywhere, and everybody hears all others. */
async function allWell(): Promise<void> {
  drop([]);
  for (const server of SERVERS) {
    await agent(server).allGood(15_000);
    await until(
      `${server} hears the others`,
      15_000,
      async () => (await agent(server).metric('fourlane_cluster_witnesses')) === 3,
    );
  }
}

const verdictsOf = async (server: Server) => (await agent(server).verdicts()).map(({ verdict, cause }) => `${verdict} ${cause}`);

/** Without what a busy machine makes an agent say of itself. */
const blamedBy = async (server: Server) => (await verdictsOf(server)).filter((each) => !each.startsWith('AGENT_STALLED'));

before(async () => {
  ({ etcd } = await operator.init());
  makeNetwork(
    SERVERS,
    REAL.map(({ ip }) => ip),
  );
  // What a dropped packet leaves half open must not outlive the test.
  ({ port, close: closeRealServers } = await serve(0));
  await Promise.all(SERVERS.map((server, k) => start(server, k + 1)));
  await operator.expect(0, 'release', file(), '--why', 'first');
  await allWell();
});
after(async () => {
  await Promise.all([...agents.values()].map((each) => each.end()));
  await closeRealServers();
  await etcd.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('a real server that one server alone cannot reach: the way there is named, and the others find nothing', async () => {
  const rs = `${REAL[0]!.ip}:${port}`;
  drop([{ from: nicOf(1), to: REAL[0]!.ip }]);
  const { reason } = await until('local_path', 15_000, async () =>
    (await agent('lb-01').verdicts()).find((v) => v.verdict === 'RS_DOWN' && v.cause === 'local_path' && v.rs?.startsWith(rs)),
  );
  // On a machine that is busy one of them may doubt itself for a moment, and is no witness then.
  assert.match(reason, /reachable from ([23]) of \1 other load balancers/);
  for (const server of SERVERS.slice(1)) assert.deepEqual(await blamedBy(server), []);
  await until('told', 5000, async () => (await agent('lb-01').metric('fourlane_cluster_evidence_bad')) === 1);
  await allWell();
});

test('a rack that is dead for all is a fault of the rack everywhere, and nobody is ill', async () => {
  drop(REAL.filter(({ rack }) => rack === 'r2').map(({ ip }) => ({ to: ip })));
  for (const server of SERVERS) {
    const found = await agent(server).verdict('RACK_FAULT', { rack: 'r2' }, 15_000);
    assert.equal(found.rack, 'r2');
  }
  for (const server of SERVERS) {
    await until(
      `${server} tells the others`,
      8000,
      async () => (await agent(server).metric('fourlane_cluster_evidence_bad')) === 4,
    );
    const found = await verdictsOf(server);
    assert.ok(!found.some((each) => /AGENT_|local_path/.test(each)), `${server}: ${found.join()}`);
  }
  await allWell();
});

test('a server is drained with the word of the fleet: S13, the budget, and what restore gives back', async () => {
  const bird = await startBird(dir);
  const files = SERVERS.map((server) => {
    const body = {
      cluster: clusterOf(server),
      server,
      stateDir: join(dir, `drain-${server}`),
      nics: [{ name: 'eth2', device: 'lo' }],
      snat: snatOf(server),
      bgp: { uplinks: [{ nic: 'eth2', peer: bird.peer }] },
      collectors: { bgp: { frr: false, bird: bird.socket }, ipvs: false },
    };
    mkdirSync(body.stateDir);
    return [server, writeConfig(dir, body, `drain-${server}.yaml`)] as const;
  });
  const bgp = async (action: 'drain' | 'restore', server: Server) => {
    const argv = [action, '--config', new Map(files).get(server)!, '--graceful', '0s'];
    const { status, out, err } = await printed(bgpCommand, argv);
    return { status, text: out + err };
  };
  const holders = async () => {
    const { budgets } = (await operator.json('status')) as ClusterStatus;
    return budgets.find(({ budget }) => budget === 'server')?.holders.map(({ server }) => server);
  };
  try {
    const last = await bgp('drain', 'lb-02');
    assert.equal(last.status, 2, last.text);
    assert.match(last.text, /^S13 10\.64\.0\.0\/28 is announced by no other server; known: lb-01, lb-03, lb-04/);
    assert.deepEqual([await holders(), bird.state()], [[], 'start'], 'nothing is done');

    assert.deepEqual(await bgp('drain', 'lb-01'), { status: 0, text: `${bird.peer}: shut\n` });
    assert.deepEqual([await holders(), bird.state()], [['lb-01'], 'down']);
    assert.match((await operator.expect(0, 'budget')).out, /^server .* lb-01 {2}lb-01 \(drain\)$/m);
    const second = await bgp('drain', 'lb-03');
    assert.equal(second.status, 2, second.text);
    assert.match(second.text, /^budget "server": 1 of at most 1 are gone: lb-01/);

    assert.deepEqual(await bgp('restore', 'lb-01'), { status: 0, text: `${bird.peer}: opened\n` });
    assert.deepEqual([await holders(), bird.state()], [[], 'start']);
    assert.equal((await bgp('drain', 'lb-03')).status, 0, 'the budget is free again');
    assert.equal((await bgp('restore', 'lb-03')).status, 0);
    assert.deepEqual(await holders(), []);
  } finally {
    bird.stop();
  }
});

test('one whose real servers all are good elsewhere is the ill one and withdraws; a second one may not', async () => {
  drop([{ from: nicOf(1), to: ALL_REAL_SERVERS }]);
  await agent('lb-01').verdict('AGENT_ILL', { subject: 'agent' }, 15_000);
  const isOut = (server: Server) => existsSync(trackFile(server)) && readFileSync(trackFile(server), 'utf8').trim() !== '0';
  await until('lb-01 withdraws', 5000, () => isOut('lb-01'));
  assert.equal(await agent('lb-01').metric('fourlane_cluster_budget_held', 'budget="server"'), 1);
  for (const server of SERVERS.slice(1)) assert.deepEqual(await blamedBy(server), [], 'others do not act');
  drop([1, 2].map((n) => ({ from: nicOf(n), to: ALL_REAL_SERVERS })));
  await agent('lb-02').verdict('AGENT_ILL', { subject: 'agent' }, 15_000);
  await until(
    'denied',
    5000,
    async () => (await agent('lb-02').metric('fourlane_cluster_budget_denied', 'budget="server"')) === 1,
  );
  assert.equal(isOut('lb-02'), false);
  assert.match(agent('lb-02').logged(/^not taken out/)!.message, /budget "server": 1 of at most 1 are gone: lb-01/);
  const { budgets } = (await operator.json('status')) as ClusterStatus;
  assert.deepEqual(
    budgets.find(({ budget }) => budget === 'server')?.holders.map(({ server }) => server),
    ['lb-01'],
  );
  drop([]);
  for (const server of SERVERS) await agent(server).allGood(15_000);
});

test('a release that is bad for real servers where it runs stops at the canary, and is given back', async (t) => {
  await allWell();
  const { n } = (await operator.json('release', file({ type: 'http', interval: '200ms', timeout: '150ms' }), '--why', 'http'))
    .release;
  const began = performance.now();
  const { code, out } = await operator.run('rollout', String(n), '--stage', 'canary:60s', '--stage', 'rest:0s');
  assert.equal(code, 1, out);
  assert.match(out, /rolledBack; (?:bad where the release runs, good where it does not|below its panic share)/);
  t.diagnostic(`halted and given back after ${Math.round(performance.now() - began)} ms: ${out.trim()}`);
  for (const server of SERVERS.slice(1))
    assert.ok(!agent(server).log.some(({ message }) => message.startsWith(`release ${n}: appl`)), `${server} was not touched`);
  await allWell();
});
