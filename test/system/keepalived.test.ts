/**
 * The keepalived collector of running agents against two real nodes: what keepalived's own notify scripts and log record is what
 * is counted, to the transition. In a network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { type AgentProcess, enterOwnNetwork, run, until } from './harness.ts';
import { all, type Counts, count, equal, VrrpNode, watch } from './keepalived-node.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-keepalived-'));
const LIMIT = { timeout: 60_000 };
const ONE = 'web v4';
const TWO = 'VI-2';
const ALONE = "o'clock";
const NAMES = [ONE, TWO, ALONE];
const shape = { instances: NAMES, groups: { 'both of them': [ONE, TWO] } };
let a: VrrpNode;
let b: VrrpNode;
let agentA: AgentProcess;
let agentB: AgentProcess;

before(async () => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  run('ip link add br0 type bridge');
  run('ip link set br0 up');
  a = new VrrpNode(dir, { name: 'ka', host: 1, priority: 150, ...shape });
  b = new VrrpNode(dir, { name: 'kb', host: 2, priority: 100, ...shape });
  [agentA, agentB] = await Promise.all([watch(a), watch(b)]);
}, LIMIT);
after(async () => {
  await Promise.all([a?.stop('SIGKILL'), b?.stop('SIGKILL'), agentA?.end(), agentB?.end()]);
  rmSync(dir, { recursive: true });
});

const missed = (agent: AgentProcess) => agent.metric('fourlane_keepalived_fifo_missed_transitions_total');

test('before keepalived: absent, and the FIFO is there', LIMIT, async () => {
  await until(
    'absent',
    5000,
    async () => (await agentA.metric('fourlane_collector_state', 'collector="keepalived"', 'state="absent"')) === 1,
  );
  assert.equal(await agentA.metric('fourlane_vrrp_state'), undefined);
  await until('the FIFO', 3000, () => existsSync(a.fifo));
});

test('started: one master, one backup, everything shown', LIMIT, async () => {
  await Promise.all([a.start(), b.start()]);
  await Promise.all([all(agentA, 'master', NAMES), all(agentB, 'backup', NAMES)]);
  await Promise.all([equal(agentA, a), equal(agentB, b)]);
  await until('a dump', 15_000, async () => (await agentB.metric('fourlane_vrrp_priority', 'kind="master"')) === 450);
  // States come from the FIFO: the master's last dump may be from before it was one.
  await until(
    "the master's dump",
    15_000,
    async () => (await agentA.metric('fourlane_vrrp_addresses', 'state="installed"')) === 3,
  );
  assert.equal(
    await agentA.metric('fourlane_vrrp_instance_info', `vrrp_instance="${ONE}"`, 'vrid="1"', 'sync_group="both of them"'),
    1,
  );
  assert.equal(await agentA.metric('fourlane_vrrp_sync_group_members', 'sync_group="both of them"'), 2);
  assert.equal(await agentA.metric('fourlane_keepalived_fifo_connected'), 1);
  assert.equal(await agentA.metric('fourlane_keepalived_processes'), 2);
});

test('link of the master cut and plugged again', LIMIT, async () => {
  a.plug('down');
  await Promise.all([all(agentA, 'fault', NAMES), all(agentB, 'master', NAMES)]);
  await until('the faults of the dump', 5000, async () => ((await agentA.metric('fourlane_vrrp_faults')) ?? 0) >= 3);
  a.plug('up');
  await Promise.all([all(agentA, 'master', NAMES), all(agentB, 'backup', NAMES)]);
  await Promise.all([equal(agentA, a), equal(agentB, b)]);
});

test('reload: seen as one, no transition; the FIFO goes on', LIMIT, async () => {
  const counted = await equal(agentA, a);
  a.reload();
  await until('the reload', 5000, async () => (await agentA.metric('fourlane_keepalived_reloads_total')) === 1);
  await until('adverts after it', 5000, async () => (await agentA.metric('fourlane_keepalived_dump_age_seconds'))! < 1);
  assert.deepEqual(await equal(agentA, a), counted);
  a.plug('down');
  await all(agentA, 'fault', NAMES);
  a.plug('up');
  await Promise.all([all(agentA, 'master', NAMES), all(agentB, 'backup', NAMES)]);
  await equal(agentA, a);
  assert.equal(await agentA.metric('fourlane_keepalived_fifo_connected'), 1);
});

test('an instance taken out by a reload, and put back', LIMIT, async () => {
  a.configure([ALONE]);
  a.reload();
  await until(
    'it is gone',
    10_000,
    async () => (await agentA.metric('fourlane_vrrp_state', `vrrp_instance="${ALONE}"`)) === undefined,
  );
  a.configure();
  a.reload();
  await all(agentA, 'master', NAMES);
  await equal(agentA, a);
});

test('master killed, and the VRRP process alone: the other takes over', LIMIT, async () => {
  await a.stop('SIGKILL');
  await Promise.all([all(agentA, 'stop', NAMES), all(agentB, 'master', NAMES)]);
  assert.equal(await agentA.metric('fourlane_keepalived_processes'), 0);
  assert.equal(await agentA.metric('fourlane_keepalived_process_up', 'process="vrrp"'), 0);
  await a.start();
  await Promise.all([all(agentA, 'master', NAMES), all(agentB, 'backup', NAMES)]);
  await until(
    'another process',
    5000,
    async () => (await agentA.metric('fourlane_keepalived_process_restarts_total', 'process="vrrp"')) === 1,
  );
  a.killVrrp();
  await until(
    'restarted',
    10_000,
    async () => (await agentA.metric('fourlane_keepalived_process_restarts_total', 'process="vrrp"')) === 2,
  );
  await Promise.all([all(agentA, 'master', NAMES), all(agentB, 'backup', NAMES)]);
  await equal(agentA, a);
  await equal(agentB, b);
});

test('stopped in order: announced, and nobody missed anything', LIMIT, async () => {
  // Children get SIGTERM when their parent dies: the one that was to be killed with it may have stopped in order before.
  const stopped = (await equal(agentA, a))[`${ONE} stop`] ?? 0;
  await a.stop();
  await Promise.all([all(agentA, 'stop', NAMES), all(agentB, 'master', NAMES)]);
  const counts = await equal(agentB, b);
  assert.equal((await equal(agentA, a))[`${ONE} stop`], stopped + 1);
  assert.deepEqual(without(counts, 'stop'), b.logged(), "keepalived's log says the same");
  const groups = (await agentB.ask('/metrics')).text.matchAll(
    /^fourlane_vrrp_sync_group_transitions_total\{.*to="(.*)"\} (\d+)$/gm,
  );
  const master = [...groups].find((g) => g[1] === 'master')?.[2];
  assert.equal(Number(master), counts[`${ONE} master`], 'its group went along');
  assert.deepEqual([await missed(agentA), await missed(agentB)], [0, 0]);
});

test('the password is nowhere: metrics, status, log', LIMIT, async () => {
  const texts = await Promise.all(['/metrics', '/api/v1/status', '/'].map((path) => agentB.ask(path)));
  assert.doesNotMatch(JSON.stringify([texts, agentA.log, agentB.log]), /hunter2/);
});

function without(counts: Counts, to: string): Counts {
  return count(Object.entries(counts).flatMap(([k, n]) => (k.endsWith(` ${to}`) ? [] : Array<string>(n).fill(k))));
}
