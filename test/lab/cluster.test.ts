import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadPlanFile } from '../../src/config/load.ts';
import type { Transition } from '../../src/lab/agent.ts';
import type { Tally } from '../../src/lab/tally.ts';
import { type ClusterScenario, evaluateCluster, type Seen } from '../../src/lab/cluster/scenario.ts';
import { clusterScenarios, listOfScenarios } from '../../src/lab/cluster/scenarios.ts';
import { clusterAccount, stepLine } from '../../src/lab/cluster/tell.ts';
import { balancers, clusterNetwork, layoutOf, streams } from '../../src/lab/cluster/topology.ts';
import { agentConfig } from '../../src/lab/layout.ts';
import { birdBalancer, birdRouter } from '../../src/lab/routers/bird.ts';
import { frrBalancer, frrRouter } from '../../src/lab/routers/frr.ts';
import { programOf } from '../../src/lab/routers/speaker.ts';

const rackDies = clusterScenarios[0]!;
const tally = (failed = 0, sent = 20): Tally => ({ sent, ok: sent - failed, failed, pending: 0, errors: {} });
const requests = (failed: Readonly<Record<string, number>> = {}) =>
  Object.fromEntries(streams.map(({ name }) => [name, tally(failed[name])]));
const said = (verdict: string, more: object = {}) => ({ verdict, cause: 'none', ...more }) as unknown as Transition;

/** A rack's death as it should go. */
const good: Seen = {
  taken: [
    { what: 'it dies', ms: 0 },
    { what: 'it is named', ms: 3200, withinMs: 15_000 },
  ],
  transitions: new Map([
    ['lb-01', [said('OK'), said('RS_DOWN', { cause: 'unreachable' }), said('RACK_FAULT', { rack: 'rack2' })]],
  ]),
  requests: requests({ web: 3, 'web@lb-02': 2 }),
  afterwards: requests(),
};
const row = (change: Partial<Seen> = {}, scenario: ClusterScenario = rackDies) =>
  evaluateCluster(scenario, { ...good, ...change });

test('the expected course of a scenario passes; each way to go wrong is a problem of its own', () => {
  assert.deepEqual(row().problems, []);
  assert.deepEqual([row().othersFailed, row().touchedFailed], [0, 5]);
  assert.deepEqual(row().verdicts, ['RS_DOWN (unreachable) by lb-01', 'RACK_FAULT rack2 by lb-01']);
  const problems = (change: Partial<Seen>) => row(change).problems.join('; ');
  const missed = { what: 'it is named', ms: undefined, withinMs: 15_000, why: 'no answer' };
  assert.equal(problems({ taken: [missed] }), 'not within 15000 ms: it is named (no answer)');
  assert.equal(problems({ transitions: new Map([['lb-02', [said('AGENT_ILL')]]]) }), 'unexpected: lb-02 AGENT_ILL');
  assert.equal(
    problems({ transitions: new Map([['lb-02', [said('RACK_FAULT', { rack: 'rack1' })]]]) }),
    'unexpected: lb-02 RACK_FAULT rack1',
  );
  assert.equal(problems({ transitions: new Map([['lb-02', [said('AGENT_STALLED')]]]) }), '');
  assert.equal(
    problems({ requests: requests({ 'api@lb-03': 1 }) }),
    '1 requests failed that the fault does not touch: api@lb-03 1',
  );
  assert.equal(problems({ requests: { ...requests(), api: tally(0, 0) } }), 'no requests were sent: api');
  assert.equal(problems({ afterwards: requests({ web: 2 }) }), '2 requests failed after the last step');
});

test('who may fail, and who is served again, where one server withdraws', () => {
  const scenario = clusterScenarios.find(({ name }) => name === 'upstream-dies')!;
  const [pinned, routed, other] = ['web@lb-03', 'web', 'web@lb-01'];
  assert.deepEqual(
    [pinned, routed, other].map((stream) => scenario.hurts(stream!)),
    [true, true, false],
  );
  assert.deepEqual(
    [pinned, routed].map((stream) => scenario.cured(stream!)),
    [false, true],
  );
});

test('every scenario has a name, a title and steps that something is expected of', () => {
  assert.deepEqual(
    clusterScenarios.map(({ name }) => name),
    ['rack-dies', 'upstream-dies', 'bad-release', 'poison-release', 'etcd-member-lost', 'etcd-gone'],
  );
  for (const scenario of clusterScenarios) {
    assert.ok(listOfScenarios().includes(scenario.name));
    assert.ok(
      scenario.steps().some(({ until }) => until !== undefined),
      scenario.name,
    );
  }
});

test('steps and results in words', () => {
  assert.equal(stepLine({ what: 'it is named', ms: 3210, withinMs: 15_000 }), '   +3.2 s  it is named');
  assert.equal(stepLine({ what: 'it ends', ms: 12_340, note: 'rolledBack' }), '  +12.3 s  it ends: rolledBack');
  assert.equal(
    stepLine({ what: 'it ends', ms: undefined, withinMs: 9000, why: 'x' }),
    '   MISSED  it ends: not within 9.0 s (x)',
  );
  assert.match(
    clusterAccount({ ...row(), recoveryMs: 2500, problems: ['p'] }),
    /^verdicts  RS_DOWN .*\nwrong     0 .*\nrecovery .* 2\.5 s .*\nPROBLEM   p$/,
  );
});

test('every link has two ends in namespaces that there are, no interface twice', () => {
  const ends = clusterNetwork.links.flatMap(([left, device, right, far]) => [`${left} ${device}`, `${right} ${far}`]);
  assert.equal(new Set(ends).size, ends.length);
  for (const end of ends) assert.ok(clusterNetwork.roles.includes(end.split(' ')[0]!), end);
  for (const role of clusterNetwork.roles) assert.ok(clusterNetwork.commands(role).length > 1, role);
});

test('the plan of addresses is one that fourlane accepts, without two servers in one range', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-layout-'));
  try {
    for (const balancer of balancers) {
      const { nics, snat, bgp } = balancer;
      const edge = { snat, bgp: { ...bgp, uplinks: bgp.uplinks.map(({ nic, peer }) => ({ nic, peer })) } };
      const config = { ...agentConfig(layoutOf(balancer), { stateDir: dir, control: join(dir, 'control') }), ...edge };
      writeFileSync(join(dir, 'c.yaml'), stringify(config));
      const plan = loadPlanFile(join(dir, 'c.yaml'), { hostname: 'test' });
      assert.deepEqual(plan.snat, snat);
      assert.deepEqual(
        plan.nics.map(({ name }) => name),
        nics.map(({ name }) => name),
      );
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  const sources = balancers.flatMap(({ nics }) => nics.map(({ snat }) => snat));
  assert.equal(new Set(sources).size, 6);
});

test('both daemons are told the same: sessions, BFD, what is let out and taken in', () => {
  const peers = [{ name: 'up_eth1', address: '10.1.1.1', as: 65_001 }];
  const speaker = { id: '10.255.0.1', as: 65_100, devices: ['eth*'], peers };
  for (const text of [birdBalancer({ ...speaker, printed: 'PLAN' }), frrBalancer({ ...speaker, printed: 'PLAN' })]) {
    for (const part of ['PLAN', '10.255.0.1', '65100', '10.1.1.1', '65001', 'bfd', '0.0.0.0/0'])
      assert.ok(text.includes(part), part);
  }
  const router = { ...speaker, peers: peers.map((peer) => ({ ...peer, gets: 'default' as const, calls: true })) };
  for (const text of [birdRouter(router), frrRouter(router)])
    for (const part of ['passive', '0.0.0.0/0']) assert.ok(text.includes(part));
  const behind = { ...speaker, peers: peers.map((peer) => ({ ...peer, gets: 'learned' as const, calls: false })) };
  for (const text of [birdRouter(behind), frrRouter(behind)]) assert.ok(!text.includes('passive'));
  assert.deepEqual(
    [0, 1, 2].map((k) => programOf('mixed', k)),
    ['frr', 'bird', 'frr'],
  );
});
