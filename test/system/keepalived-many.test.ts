/**
 * Fifty VRRP instances that change faster than dumps come; the same without a FIFO; and a FIFO that keepalived made itself, and makes anew
 * at each reload. Counted is what keepalived's own notify scripts record. In a network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { ensure } from './ensure.ts';
import { type AgentProcess, enterOwnNetwork, run, until } from './harness.ts';
import { all, equal, transitionsIn, VrrpNode, watch } from './keepalived-node.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-keepalived-many-'));
const LIMIT = { timeout: 60_000 };
const MANY = Array.from({ length: 50 }, (_, i) => `VI_${i}`);
let many: VrrpNode;
let late: VrrpNode;
const agents: AgentProcess[] = [];

before(() => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  run('ip link add br0 type bridge');
  run('ip link set br0 up');
});
after(async () => {
  await Promise.all([many?.stop('SIGKILL'), late?.stop('SIGKILL'), ...agents.map((agent) => agent.end())]);
  rmSync(dir, { recursive: true });
});

test('50 instances, a reload, a link that flaps, with the FIFO and without', LIMIT, async () => {
  const groups = { one: MANY.slice(0, 10), two: MANY.slice(10, 20) };
  many = new VrrpNode(dir, { name: 'ka', host: 1, priority: 100, instances: MANY, groups });
  const [withFifo, dumpsOnly] = await Promise.all([
    watch(many, { dumpEvery: '2s' }),
    watch(many, { fifo: false, dumpEvery: '1s' }, 'dumps-only'),
  ]);
  agents.push(withFifo, dumpsOnly);
  await many.start();
  await all(withFifo, 'master', MANY);
  for (let i = 0; i < 5; i++) {
    many.plug('down');
    await sleep(300);
    many.plug('up');
    await sleep(1000);
    if (i === 2) many.reload();
  }
  await all(withFifo, 'master', MANY);
  await all(dumpsOnly, 'master', MANY);
  const counts = await equal(withFifo, many);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  assert.ok(total >= 50 * 5, `${total} transitions`);
  assert.equal(await withFifo.metric('fourlane_keepalived_fifo_missed_transitions_total'), 0);

  const proven = transitionsIn((await dumpsOnly.ask('/metrics')).text);
  for (const [what, n] of Object.entries(proven)) {
    assert.ok(n <= (counts[what] ?? 0), `without a FIFO nothing is invented: ${what} ${n}, of ${counts[what]}`);
    if (what.endsWith(' master')) assert.equal(n, counts[what], 'times as master are never lost');
  }
  assert.equal(Object.keys(proven).filter((k) => k.endsWith(' master')).length, 50);
});

test('two readers: the second one says so and goes by dumps', LIMIT, async () => {
  const second = await watch(many, { dumpEvery: '1s' }, 'second');
  agents.push(second);
  const line = await until('the problem', 10_000, () => second.logged(/another process reads it/));
  assert.match(line.message, /cannot open the FIFO .*\(EBUSY\)/);
  await all(second, 'master', MANY);
  assert.equal(await second.metric('fourlane_keepalived_fifo_connected'), 0);
});

test('a FIFO that keepalived made: the new one after a reload is followed', LIMIT, async () => {
  late = new VrrpNode(dir, { name: 'kc', host: 3, priority: 150, instances: ['late'] });
  run(`mkdir -p ${join(late.dir, 'run')}`);
  await late.start();
  const agent = await watch(late);
  agents.push(agent);
  await all(agent, 'master', ['late']);
  await until('connected', 5000, async () => (await agent.metric('fourlane_keepalived_fifo_connected')) === 1);
  const before = late.recorded();
  late.reload();
  await until('the reload', 5000, async () => (await agent.metric('fourlane_keepalived_reloads_total')) === 1);
  late.plug('down');
  await all(agent, 'fault', ['late']);
  late.plug('up');
  await all(agent, 'master', ['late']);
  await until('connected', 5000, async () => (await agent.metric('fourlane_keepalived_fifo_connected')) === 1);
  const { 'late master': master = 0, 'late backup': backup = 0, 'late fault': fault = 0 } = late.recorded();
  const counted = transitionsIn((await agent.ask('/metrics')).text);
  assert.deepEqual(counted, {
    'late backup': backup - (before['late backup'] ?? 0),
    'late fault': fault,
    'late master': master - (before['late master'] ?? 0),
  });
  assert.equal(await agent.metric('fourlane_keepalived_fifo_missed_transitions_total'), 0);
});
