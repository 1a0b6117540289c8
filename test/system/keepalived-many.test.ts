/**
 * The keepalived collector alone, without an agent. Fifty VRRP instances that change faster than dumps come; the same without a
 * FIFO; and a FIFO that keepalived made itself, and makes anew at each reload. Counted is what keepalived's own notify scripts
 * record. In a network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork, run, until } from './harness.ts';
import { Alone, all, equal, transitionsIn, VrrpNode } from './keepalived-node.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-keepalived-many-'));
const LIMIT = { timeout: 120_000 };
const MANY = Array.from({ length: 50 }, (_, i) => `VI_${i}`);
let many: VrrpNode;
let late: VrrpNode;
const watching: Alone[] = [];

before(() => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  run('ip link add br0 type bridge');
  run('ip link set br0 up');
});
after(async () => {
  await Promise.all([many?.stop('SIGKILL'), late?.stop('SIGKILL'), ...watching.map((w) => w.end())]);
  rmSync(dir, { recursive: true });
});

test('50 instances, a reload, a link that flaps, with the FIFO and without', LIMIT, async () => {
  const groups = { one: MANY.slice(0, 10), two: MANY.slice(10, 20) };
  many = new VrrpNode(dir, { name: 'ka', host: 1, priority: 100, instances: MANY, groups });
  const withFifo = new Alone(many, { dumpEvery: '2s' });
  const dumpsOnly = new Alone(many, { fifo: false });
  watching.push(withFifo, dumpsOnly);
  await until('the FIFO', 10_000, () => existsSync(many.fifo)); // keepalived must not come first
  await many.start();
  await all(withFifo, 'master', MANY);
  for (let i = 0; i < 5; i++) {
    many.plug('down');
    await sleep(300);
    many.plug('up');
    await sleep(800);
    if (i === 2) many.reload();
  }
  await all(withFifo, 'master', MANY);
  await all(dumpsOnly, 'master', MANY);
  const counts = await equal(withFifo, many);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  assert.ok(total >= 50 * 5, `${total} transitions`);
  assert.equal(await withFifo.metric('fourlane_keepalived_fifo_missed_transitions_total'), 0);

  const proven = transitionsIn((await dumpsOnly.ask()).text);
  for (const [what, n] of Object.entries(proven)) {
    assert.ok(n <= (counts[what] ?? 0), `without a FIFO nothing is invented: ${what} ${n}, of ${counts[what]}`);
    if (what.endsWith(' master')) assert.equal(n, counts[what], 'times as master are never lost');
  }
  assert.equal(Object.keys(proven).filter((k) => k.endsWith(' master')).length, 50);
});

test('two readers: the second one says so and goes by dumps', LIMIT, async () => {
  const second = new Alone(many);
  watching.push(second);
  const line = await until('the problem', 10_000, () =>
    second.log.find((message) => message.includes('another process reads it')),
  );
  assert.match(line, /cannot open the FIFO .*\(EBUSY\)/);
  await all(second, 'master', MANY);
  assert.equal(await second.metric('fourlane_keepalived_fifo_connected'), 0);
});

test('a FIFO that keepalived made: the new one after a reload is followed', LIMIT, async () => {
  late = new VrrpNode(dir, { name: 'kc', host: 3, priority: 150, instances: ['late'] });
  run(`mkdir -p ${join(late.dir, 'run')}`);
  await late.start();
  await until('its first time as master', 20_000, () => late.recorded()['late master'] === 1);
  const alone = new Alone(late);
  watching.push(alone);
  await all(alone, 'master', ['late']);
  await until('connected', 5000, async () => (await alone.metric('fourlane_keepalived_fifo_connected')) === 1);
  const before = late.recorded();
  late.reload();
  await until('the reload', 5000, async () => (await alone.metric('fourlane_keepalived_reloads_total')) === 1);
  late.plug('down');
  await all(alone, 'fault', ['late']);
  late.plug('up');
  await all(alone, 'master', ['late']);
  await until('connected', 5000, async () => (await alone.metric('fourlane_keepalived_fifo_connected')) === 1);
  const { 'late master': master = 0, 'late backup': backup = 0, 'late fault': fault = 0 } = late.recorded();
  const counted = transitionsIn((await alone.ask()).text);
  assert.deepEqual(counted, {
    'late backup': backup - (before['late backup'] ?? 0),
    'late fault': fault,
    'late master': master - (before['late master'] ?? 0),
  });
  assert.equal(await alone.metric('fourlane_keepalived_fifo_missed_transitions_total'), 0);
});
