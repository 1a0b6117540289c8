/**
 * Verdicts of two running agents steer the VRRP of two real keepalived, whose configurations have what the snippet says. Times
 * from a cut to the address on the other node are printed. In a network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensure } from '../../src/lab/ensure.ts';
import { AgentProcess, enterOwnNetwork, run, until } from './harness.ts';
import { SteeredNode, serveRealServers } from './steered-node.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-steer-'));
const LIMIT = { timeout: 60_000 };
const ends: (() => unknown)[] = [];
const agents: AgentProcess[] = [];
const times: string[] = [];
let a: SteeredNode;
let b: SteeredNode;

before(async () => {
  ensure(['iproute2', 'keepalived']);
  enterOwnNetwork();
  run('ip link add br0 type bridge');
  run('ip link set br0 up');
  run('ip netns add rs');
  run('ip -n rs link set lo up');
  a = new SteeredNode(dir, { name: 'ka', host: 1, priority: 101, peer: 100 });
  b = new SteeredNode(dir, { name: 'kb', host: 2, priority: 100, peer: 101 });
  ends.push(...(await serveRealServers()));
  agents.push(...(await Promise.all([a, b].map((node) => node.startAgent()))));
  await Promise.all([a.start(), b.start()]);
  await holds(a);
}, LIMIT);
after(async () => {
  await Promise.all([a, b].map((node) => node?.stop('SIGKILL')));
  await Promise.all(agents.map((agent) => agent.end()));
  for (const end of ends) end();
  a?.close();
  b?.close();
  rmSync(dir, { recursive: true });
});

/** How it is instead of what is waited for. */
function shown(): never {
  throw new Error(`${a.shown}; ${b.shown}`);
}

/** Waits until this node alone has the address. @returns when it got it, ms of performance.now() */
async function holds(node: SteeredNode): Promise<number> {
  const other = node === a ? b : a;
  await until(`${node.name} alone has the address`, 12_000, () => (node.hasVip && !other.hasVip) || shown());
  return node.moves.at(-1)!;
}

/** How often the address has come to either node. */
const moves = () => [a.moves.length, b.moves.length];
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Waits until the address is on the other node, and notes how long that took. */
async function failsOver(what: string, cut: () => void, to = b): Promise<void> {
  const [start, before] = [performance.now(), moves()];
  cut();
  times.push(`${what}: ${((await holds(to)) - start).toFixed(0)} ms`);
  assert.deepEqual(moves(), [before[0]! + Number(to === a), before[1]! + Number(to === b)]);
}

/** The address comes back once, and stays. */
async function comesBack(mend: () => void): Promise<void> {
  const before = moves();
  mend();
  await holds(a);
  await pause(1200);
  assert.deepEqual(moves(), [before[0]! + 1, before[1]], 'one move, no flap');
}

test('a lost carrier: keepalived sees it alone', LIMIT, async () => {
  await failsOver('carrier of the VRRP interface lost, keepalived alone', () => a.plug('down'));
  await comesBack(() => a.plug('up'));
});

test(
  'upstream of a NIC dead with its carrier up: the verdict moves the address, and its end moves it back once',
  LIMIT,
  async () => {
    await failsOver('upstream of a NIC dead, carrier up, by the verdict', () => a.cut('up1'));
    assert.equal(run('ip -n ka -o link show up1').includes('LOWER_UP'), true);
    await comesBack(() => a.mend('up1'));
  },
);

test('both nodes have a bad NIC: nobody moves', LIMIT, async () => {
  const before = moves();
  for (const node of [a, b]) node.cut('up1');
  await Promise.all([a, b].map((node) => until('the file', 5000, () => node.file('up1') === '1')));
  await pause(2200);
  assert.deepEqual(moves(), before);
  for (const node of [a, b]) node.mend('up1');
  await Promise.all([a, b].map((node) => until('the file', 8000, () => node.file('up1') === '0')));
  assert.deepEqual([moves(), a.hasVip], [before, true]);
});

test('one node has a bad NIC, the other is isolated: the better one has the address', LIMIT, async () => {
  b.cut('up1');
  await until('the file', 5000, () => b.file('up1') === '1');
  await failsOver('isolated, the other node with one bad NIC', () => a.isolate());
  assert.equal(a.file('isolated'), '1');
  b.mend('up1');
  await comesBack(() => a.reconnect());
});

test('real servers that are all silent, while the switches answer, move nothing', LIMIT, async () => {
  const before = moves();
  for (const nic of ['up0', 'up1'] as const) a.cut(nic);
  await until('frozen', 6000, async () => (await a.verdicts(agents[0]!)).includes('ALL_RS_DOWN'));
  await pause(2500);
  assert.deepEqual([moves(), a.file('isolated')], [before, '0']);
  for (const nic of ['up0', 'up1'] as const) a.mend(nic);
  await until('well again', 20_000, async () => (await a.verdicts(agents[0]!)).length === 0);
});

test('nopreempt: an isolation is a fault, and the other node keeps the address afterwards', LIMIT, async () => {
  for (const node of [a, b]) node.set({ nopreempt: true });
  // The reloads of a busy machine may have moved it, and then it stays there.
  const [from, to] = (await holder()) === a ? [a, b] : [b, a];
  await failsOver('isolated, nopreempt (a fault)', () => from.isolate(), to);
  const before = moves();
  from.reconnect();
  await until('the file', 8000, () => from.file('isolated') === '0');
  await pause(2200);
  assert.deepEqual([moves(), to.hasVip], [before, true]);
});

test('equal priorities without nopreempt: evidence moves the address, its end does not', LIMIT, async () => {
  // With a NIC that is still taken for bad on the other node, both would be as bad as each other, and nobody would move.
  await until('nothing is bad', 20_000, () => a.bad.length + b.bad.length === 0 || shown());
  for (const node of [a, b]) node.set({ nopreempt: false, equal: true });
  const [from, to] = (await holder()) === a ? [a, b] : [b, a];
  from.cut('up1');
  await holds(to);
  const before = moves();
  from.mend('up1');
  await until('the file', 8000, () => from.file('up1') === '0');
  await pause(2200);
  assert.deepEqual([moves(), to.hasVip], [before, true]);
});

/** Who has the address once it has settled after a reload. */
async function holder(): Promise<SteeredNode> {
  await pause(2500);
  await until('one holder', 8000, () => a.hasVip !== b.hasVip);
  return a.hasVip ? a : b;
}

test('the times', () => {
  console.log(`advert_int 0.5 s, checks each 200 ms:\n  ${times.join('\n  ')}`);
  assert.equal(times.length, 4);
  assert.doesNotMatch(readFileSync(join(dir, 'ka', 'log'), 'utf8'), /ignoring|Unknown keyword/);
});
