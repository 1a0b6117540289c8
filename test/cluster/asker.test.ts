import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BudgetAsker } from '../../src/cluster/budget/asker.ts';
import type { Wish } from '../../src/cluster/budget/asks.ts';
import { MemoryStore } from './memory-store.ts';

const ILL: Wish = { budget: 'server', subject: 'server', why: 'AGENT_ILL' };
const nic = (name: string): Wish => ({ budget: 'nic', subject: `nic ${name}`, why: 'NIC_FAIL' });

interface Turn {
  readonly wishes?: readonly Wish[];
  readonly out?: readonly string[];
  readonly settled?: boolean;
  readonly gone?: readonly string[];
  readonly etcd?: boolean;
}

class World {
  readonly store = new MemoryStore();
  readonly lines: string[] = [];
  readonly askers = new Map<string, BudgetAsker>();

  constructor(...servers: string[]) {
    for (const server of servers) this.store.put('roster', [server], { ring: 'all' });
    for (const server of servers) {
      const log = (_: string, __: object, message: string) => void this.lines.push(`${server}: ${message}`);
      const parts = { server, boot: 'b', at: () => '2026-11-28T12:00:00Z', log, store: () => this.store };
      this.askers.set(server, new BudgetAsker(parts));
    }
  }

  /** As often as it takes for what was written to be read. */
  async turn(server: string, { wishes = [], out = [], settled = true, gone = [], etcd = true }: Turn): Promise<BudgetAsker> {
    const asker = this.askers.get(server)!;
    for (let k = 0; k < 4; k++) {
      const known = {
        state: this.store.state,
        gone: (name: string) => (gone.includes(name) ? 'absent' : undefined),
        announcing: (name: string) => !gone.includes(name),
      };
      asker.turn({ wishes, keeps: (_, subject) => out.includes(subject), settled, known: etcd ? known : undefined });
      await new Promise(setImmediate);
    }
    return asker;
  }

  holders = (budget: string) =>
    [...(this.store.state.budgetHolder.get(budget) ?? [])].map(([server, { value }]) => [server, value.subjects, value.state]);
}

test('what is wished is asked for, held, acted on, and given up when it is well again', async () => {
  const world = new World('a', 'b', 'c');
  const asker = await world.turn('a', { wishes: [nic('eth0')] });
  assert.ok(asker.isGranted('nic', 'nic eth0'));
  assert.equal(asker.isGranted('nic', 'nic eth1'), false);
  assert.deepEqual(world.holders('nic'), [['a', ['nic eth0'], 'asked']]);
  await world.turn('a', { out: ['nic eth0'] });
  assert.deepEqual(world.holders('nic'), [['a', ['nic eth0'], 'acted']], 'it is out: not given up');
  await world.turn('a', { settled: false });
  assert.equal(world.holders('nic').length, 1, 'who has just started gives nothing up');
  await world.turn('a', {});
  assert.deepEqual(world.holders('nic'), []);
  assert.equal(asker.isGranted('nic', 'nic eth0'), false);
});

test('a second one is refused while the budget is used, logged and counted once, and granted when it is free', async () => {
  const world = new World('a', 'b', 'c');
  await world.turn('a', { wishes: [ILL] });
  const second = await world.turn('b', { wishes: [ILL] });
  assert.equal(second.isGranted('server', 'server'), false);
  assert.deepEqual(
    second.shown[0]!.denied.map(({ text }) => text),
    ['budget "server": 1 of at most 1 are gone: a'],
  );
  await world.turn('b', { wishes: [ILL] });
  assert.equal(second.refusals, 1);
  assert.deepEqual(
    world.lines.filter((line) => line.startsWith('b: not')),
    ['b: not taken out of service: budget "server": 1 of at most 1 are gone: a'],
  );
  await world.turn('a', {});
  await world.turn('b', { wishes: [ILL] });
  assert.ok(second.isGranted('server', 'server'));
  assert.deepEqual(second.shown[0]!.denied, []);
});

test('of two that ask at the same moment one gets it', async () => {
  const world = new World('a', 'b', 'c');
  const { state } = world.store;
  const known = { state, gone: () => undefined, announcing: () => true };
  for (const server of ['a', 'b']) world.askers.get(server)!.turn({ wishes: [ILL], keeps: () => false, settled: true, known });
  await new Promise(setImmediate);
  assert.equal(world.holders('server').length, 1);
});

test('who is gone counts; what is lost already asks nobody, and counts', async () => {
  const world = new World('a', 'b', 'c');
  assert.equal((await world.turn('a', { wishes: [ILL], gone: ['c'] })).isGranted('server', 'server'), false);
  await world.turn('b', { wishes: [{ ...ILL, why: 'AGENT_ISOLATED', lost: true }], gone: ['c'] });
  assert.deepEqual(world.holders('server'), [['b', ['server'], 'asked']]);
});

test('without etcd: as many as the rule that was read leaves to each server, or the first rule; held stays held', async () => {
  const world = new World('a', 'b', 'c');
  const fresh = await world.turn('a', { wishes: [ILL, nic('eth0'), nic('eth1')], etcd: false });
  assert.deepEqual(
    [fresh.isGranted('server', 'server'), fresh.isGranted('nic', 'nic eth0'), fresh.isGranted('nic', 'nic eth1')],
    [false, true, false],
  );
  assert.match(fresh.shown[1]!.denied[0]!.text, /etcd does not answer: 1 of 1 acts/);
  await world.turn('a', { wishes: [nic('eth0')], out: ['nic eth0'] });
  assert.deepEqual(world.holders('nic'), [['a', ['nic eth0'], 'acted']], 'asked for when etcd is back');
  world.store.put('budgetRule', ['nic'], { scope: 'cluster', max: { servers: 1 }, floor: 0, blind: 0 });
  await world.turn('b', {});
  assert.equal((await world.turn('b', { wishes: [nic('eth0')], etcd: false })).isGranted('nic', 'nic eth0'), false);
  assert.ok((await world.turn('a', { wishes: [nic('eth0')], etcd: false })).isGranted('nic', 'nic eth0'));
});
