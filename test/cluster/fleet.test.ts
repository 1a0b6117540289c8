import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RootLists } from '../../src/cluster/evidence/lists.ts';
import { Speaker } from '../../src/cluster/evidence/speaker.ts';
import { Fleet, type Found } from '../../src/cluster/fleet/fleet.ts';
import { clusterPrefix } from '../../src/cluster/keys.ts';
import type { Change } from '../../src/cluster/mirror/changes.ts';
import { StateReader } from '../../src/cluster/view/state.ts';
import { MemoryStore } from './memory-store.ts';

const PREFIX = clusterPrefix('edge');
const ROOT = 'a'.repeat(64);
const NAMES = ['roster', 'member', 'maintenance', 'budget', 'evidence'];

/** Servers over one store, each with a mirror that is up to date. */
class World {
  readonly store = new MemoryStore();
  readonly fleets = new Map<string, Fleet>();
  #seen: ReadonlySet<string> = new Set();
  now = 0;
  stale: number | undefined;

  constructor(...servers: string[]) {
    for (const server of servers) this.store.put('roster', [server], { ring: 'all', rack: `r-${server}` });
    for (const server of servers) this.#add(server);
  }

  #add(server: string): void {
    const { store } = this;
    store.put('member', [server], { boot: 'b', version: '1', addresses: [], ready: true });
    const lists = new RootLists();
    lists.keep(ROOT, 'x\ny\nz');
    const log = () => undefined;
    const calendar = { lastBefore: () => undefined };
    const [clock, wall] = [() => this.now, () => this.now];
    const fleet = new Fleet({ cluster: 'edge', server, boot: 'b', epoch: 1, lists, calendar, clock, wall, log });
    const stale = () => this.stale;
    fleet.join({
      names: NAMES,
      call: () => Promise.reject(new Error('none')),
      hold: (key, value) => {
        store.revision++;
        store.raw(key.slice(PREFIX.length), value);
        this.changed();
      },
      items: (range) =>
        new Map(
          [...store.items]
            .filter(([key]) => key.startsWith(`${NAMES[range]}/`))
            .map(([key, { value, create, mod }]) => [PREFIX + key, { value, created: create, modified: mod }]),
        ),
      get staleSince() {
        return stale();
      },
    });
    this.fleets.set(server, fleet);
  }

  /** Every mirror gets what stands there now. */
  changed(): void {
    const { items } = this.store;
    const change = (key: string): Change => {
      const { value, create: created = 0, mod: modified = this.store.revision } = items.get(key) ?? {};
      return { key: PREFIX + key, value, created, modified, lease: 0n };
    };
    const keys = new Set([...this.#seen, ...items.keys()]);
    this.#seen = new Set(items.keys());
    for (const fleet of this.fleets.values())
      for (const [range, name] of NAMES.entries())
        fleet.changed(range, [...keys].filter((key) => key.startsWith(`${name}/`)).map(change));
  }

  turn(server: string, found: Partial<Omit<Found, 'bad'>> & { bad?: readonly number[] } = {}) {
    this.now += 10_000;
    const { bad = [], ...rest } = found;
    const whole = { root: ROOT, frozen: '', blind: false, waiting: [], keeps: () => false, settled: true, ...rest } as const;
    return this.fleets.get(server)!.turn({ ...whole, bad: () => bad });
  }
}

test('what servers find is counted; who is frozen, blind or starts says nothing, and without etcd nothing is known', () => {
  const world = new World('a', 'b', 'c', 'd');
  world.turn('b', { bad: [0, 2] });
  world.turn('c', { bad: [2] });
  world.turn('d', { root: undefined });
  assert.deepEqual(world.turn('a'), { witnesses: 2, servers: [0, 2], bad: [1, 2], unknown: [0, 0] });
  world.turn('d', { bad: [1] });
  assert.equal(world.turn('a')!.witnesses, 3);
  world.turn('b', { frozen: 'ALL_RS_DOWN', bad: [0, 1, 2] });
  world.turn('c', { blind: true, bad: [0] });
  assert.deepEqual(world.turn('a'), { witnesses: 1, servers: [1], bad: [1], unknown: [0] });
  assert.deepEqual([world.fleets.get('d')!.shown.bad, world.fleets.get('b')!.shown.bad], [1, 0]);
  world.stale = 0;
  assert.equal(world.turn('a'), undefined);
  assert.equal(world.fleets.get('a')!.shown.witnesses, 0);
});

test('the shard follows the roster', () => {
  const world = new World('a');
  assert.equal(world.fleets.get('a')!.shard, 0);
  for (let k = 0; k < 33; k++) world.store.put('roster', [`0${k}`], { ring: 'all' });
  world.changed();
  assert.equal(world.fleets.get('a')!.shard, 1);
});

test('changes are followed: who is new in the roster, whose evidence is gone', () => {
  const world = new World('a', 'b', 'c');
  world.turn('b', { bad: [1] });
  world.turn('c');
  assert.deepEqual(world.turn('a'), { witnesses: 2, servers: [1], bad: [1], unknown: [0] });
  world.store.items.delete('evidence/0/b');
  world.store.items.delete('roster/c');
  assert.equal(world.turn('a')!.witnesses, 2, 'nothing has come yet');
  world.changed();
  assert.deepEqual(world.turn('a'), { witnesses: 0, servers: [], bad: [], unknown: [] });
});

test('what is said is written when it differs, at its pace, and again when it is gone', () => {
  const speaker = new Speaker();
  const evidence = { root: 'a'.repeat(16), epoch: 1, frozen: false, blind: false, length: 3, bad: [1] };
  assert.ok(speaker.next(evidence, 0));
  assert.equal(speaker.next(evidence, 60_000), undefined);
  assert.ok(speaker.next({ ...evidence, bad: [] }, 60_000));
  assert.equal(speaker.next(evidence, 60_500), undefined, 'too early');
  assert.ok(speaker.next(evidence, 62_000));
  speaker.again();
  assert.ok(speaker.next(evidence, 70_000));
});

test('lists that nobody asks for go, the one that runs stays', () => {
  const lists = new RootLists();
  const root = (k: number) => `${k}`.repeat(64);
  lists.keep(root(1), 'x\ny');
  for (let k = 2; k < 9; k++) {
    assert.deepEqual(lists.of(root(1).slice(0, 16)), ['x', 'y']);
    lists.keep(root(k), '');
  }
  assert.equal(lists.of(root(2).slice(0, 16)), undefined);
  assert.deepEqual(lists.of(root(8).slice(0, 16)), []);
});

test('a state that is followed parses what is put only; what is damaged or gone has no value', () => {
  const reader = new StateReader();
  const store = new MemoryStore();
  const put = (key: string) => reader.put(store.items.get(key)!);
  store.put('roster', ['a'], { ring: 'all' });
  store.put('roster', ['b'], { ring: 'all' });
  store.put('budgetHolder', ['nic', 'a'], {
    by: 'a',
    at: '2026-01-01T00:00:00Z',
    why: 'x',
    boot: 'b',
    subjects: ['nic 1'],
    state: 'asked',
  });
  for (const key of store.items.keys()) put(key);
  const first = reader.state.roster.get('a');
  assert.equal(reader.state.budgetHolder.get('nic')!.size, 1);
  store.put('roster', ['b'], { ring: 'other' });
  store.raw('roster/c', Buffer.from('{'));
  put('roster/b');
  put('roster/c');
  assert.equal(reader.state.roster.get('a'), first);
  assert.equal(reader.state.roster.get('b')!.value.ring, 'other');
  assert.equal(reader.state.problems.length, 1);
  store.raw('roster/b', Buffer.from('['));
  put('roster/b');
  for (const key of ['roster/c', 'roster/a', 'budget/nic/holder/a', 'roster/none']) reader.remove(key);
  assert.deepEqual(
    [reader.state.roster.size, reader.state.problems.length, reader.state.budgetHolder.get('nic')!.size],
    [0, 1, 0],
  );
});

test('planned absences are shown by the servers of the shard, also while etcd does not answer, until they end', () => {
  const world = new World('a', 'b');
  const who = { by: 'ada', at: '1970-01-01T00:00:00Z', why: 'disks' };
  world.store.put('maintenance', ['m1'], { ...who, subject: { server: 'b' }, until: '1970-01-01T00:10:00Z' });
  world.store.put('maintenance', ['m2'], { ...who, subject: { server: 'a', nic: 'eth2' } });
  world.store.put('maintenance', ['m3'], { ...who, subject: { realServer: '10.0.0.1:80' } });
  world.store.put('maintenance', ['m4'], { ...who, subject: { server: 'elsewhere' } });
  world.turn('a');
  const shown = () => world.fleets.get('a')!.shown.planned;
  const whole = ['b', ''];
  assert.deepEqual(shown(), { servers: [whole, ['a', 'eth2']], realServers: ['10.0.0.1:80'] });
  world.stale = world.now;
  world.turn('a');
  assert.deepEqual(shown().servers[0], whole);
  world.now = 600_000;
  assert.deepEqual(shown().servers, [['a', 'eth2']]);
});
