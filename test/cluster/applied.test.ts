import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin, type DiskRecord, diskRecord, EMPTY_RECORD } from '../../src/cluster/applied/record.ts';
import { reduce } from '../../src/cluster/applied/reduce.ts';
import { appliedOf, type LifeEffect, type LifeEvent, type LifeState, start } from '../../src/cluster/applied/state.ts';
import { writeBack } from '../../src/cluster/applied/write-back.ts';

const SETTINGS = { proveMs: 1000 };
const root = (letter: string) => letter.repeat(64);
const [A, B] = [root('a'), root('b')];
const PLAN = { added: 1, removed: 0, changed: 0, actions: 0 };
const pointer = (seen: number, to: string, prepare?: string): LifeEvent => {
  const target = { release: seen, root: to, ...(prepare === undefined ? {} : { prepare: { release: seen + 1, root: prepare } }) };
  return { kind: 'pointer', seen, target };
};
const checked = (of: string, ...refusals: string[]): LifeEvent => ({
  kind: 'checked',
  root: of,
  refusals,
  plan: PLAN,
  planHash: of,
});

/** One process: events in, effects out. */
class Process {
  state: LifeState;
  effects: LifeEffect[] = [];
  disk: DiskRecord | undefined;
  now = 0;

  constructor(disk?: DiskRecord, boot = 'b1') {
    const [state, effects] = start(disk, { boot, version: '1' }, 0);
    this.state = state;
    this.disk = disk;
    this.#do(effects);
  }

  #do(effects: readonly LifeEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects)
      if (effect.do === 'save') this.disk = diskRecord.parse(JSON.parse(JSON.stringify(effect.record)));
  }

  on(...events: LifeEvent[]): string {
    const before = this.effects.length;
    for (const event of events) {
      const [state, effects] = reduce(this.state, event, this.now, SETTINGS);
      this.state = state;
      this.#do(effects);
    }
    return this.effects
      .slice(before)
      .map((each) => {
        if (each.do === 'writeBack') return each.value.state;
        if (each.do === 'announce') return each.ready ? 'ready' : 'not ready';
        return each.do === 'save' ? 'save' : `${each.do} ${'version' in each ? each.version.root[0] : each.root[0]}`;
      })
      .join(', ');
  }
}

const applyAll = (p: Process, seen: number, to: string) => p.on(pointer(seen, to), checked(to), { kind: 'applied', root: to });

test('a release is checked, tried, applied, and good after the time of proof', () => {
  const p = new Process();
  assert.equal(p.on(pointer(5, A)), 'check a, applying, not ready');
  assert.equal(p.on(checked(A)), 'save, apply a, applying');
  assert.deepEqual(p.disk?.trial, { release: 5, root: A, crashes: 0 }, 'on disk before it is applied');
  assert.equal(p.on({ kind: 'applied', root: A }), 'applied, ready');
  p.now = 999;
  assert.equal(p.on({ kind: 'tick' }), '');
  p.now = 1000;
  assert.equal(p.on({ kind: 'tick' }), 'save, applied');
  assert.deepEqual([p.disk?.good, p.disk?.trial], [{ release: 5, root: A }, null]);
  assert.deepEqual(appliedOf(p.state).lastGood, A);
  assert.equal(p.on(pointer(7, A)), 'applied', 'the same root at a newer pointer is written back again');
  assert.equal(p.on(pointer(6, B)), '', 'an older pointer is passed over');
});

test('prepare checks and plans, and changes nothing; what was prepared is applied without another check', () => {
  const p = new Process();
  applyAll(p, 5, A);
  assert.equal(p.on(pointer(6, A, B)), 'check b, applied');
  assert.equal(p.on(checked(B)), 'prepared');
  assert.deepEqual([appliedOf(p.state).running, appliedOf(p.state).plan], [A, PLAN]);
  assert.match(p.on(pointer(7, B)), /^save, apply b/);
});

test('what is refused or fails is not tried again before the pointer changes, and what ran is put back', () => {
  const p = new Process();
  applyAll(p, 5, A);
  assert.equal(p.on(pointer(6, B), checked(B, 'it is empty')), 'check b, applying, refused');
  assert.equal(appliedOf(p.state).error, 'it is empty');
  assert.equal(p.on({ kind: 'tick' }), '');
  p.on(pointer(7, B), checked(B));
  assert.equal(p.on({ kind: 'applyFailed', root: B, error: 'EPERM' }), 'save, restore a, applying');
  assert.equal(p.on({ kind: 'restored', root: A }), 'failed');
  assert.deepEqual([appliedOf(p.state).running, appliedOf(p.state).error], [A, 'EPERM']);
  assert.equal(p.disk?.trial, null);
  assert.match(p.on(pointer(8, A)), /^applied/, 'the old release at a new pointer clears the error');
  assert.equal(appliedOf(p.state).error, null);
});

test('in maintenance nothing is applied, and that is said', () => {
  const p = new Process();
  applyAll(p, 5, A);
  p.on({ kind: 'maintenance', why: 'disks' });
  assert.equal(p.on(pointer(6, B)), 'held');
  assert.equal(p.on({ kind: 'maintenance' }), 'check b, applying');
});

test('a pointer that moves while something is under way is followed when that has ended', () => {
  const p = new Process();
  p.on(pointer(5, A));
  assert.equal(p.on(pointer(6, B)), 'applying');
  assert.equal(p.on(checked(A)), 'check b, applying', 'what came of the old one is not applied');
  p.on(checked(B));
  assert.equal(p.on(pointer(7, A)), 'applying');
  assert.match(p.on({ kind: 'applied', root: B }), /^check a/);
});

test('a configuration that crashes is tried twice, then refused by its hash, on disk and in etcd', () => {
  let p = new Process();
  applyAll(p, 5, A);
  p.now = 1000;
  p.on({ kind: 'tick' });
  p.on(pointer(6, B), checked(B));
  const afterFirst = new Process(p.disk, 'b2');
  assert.equal(afterFirst.state.running?.root, A, 'each start begins with the good one');
  assert.match(afterFirst.on(pointer(6, B), checked(B)), /apply b/, 'once more');
  p = new Process(afterFirst.disk, 'b3');
  assert.deepEqual(p.effects.at(-1), {
    do: 'poison',
    root: B,
    why: 'the agent ended unexpectedly 2 times while it ran release 6',
  });
  assert.equal(p.on(pointer(6, B)), 'refused, ready');
  assert.match(appliedOf(p.state).error!, /the root is poison: the agent ended unexpectedly 2 times/);
  const later = new Process(p.disk, 'b4');
  assert.equal(later.on(pointer(9, B)), 'refused, ready', 'also after another start');
});

test('a process that ends in order has not crashed', () => {
  const p = new Process();
  applyAll(p, 5, A);
  p.on({ kind: 'stop' });
  assert.equal(p.disk?.clean, true);
  assert.equal(begin(p.disk!).trial?.crashes, 0);
});

test('a good configuration that kills every start is given up for the one before', () => {
  let disk: DiskRecord = { ...EMPTY_RECORD, good: { release: 2, root: B }, before: { release: 1, root: A }, clean: false };
  for (let k = 0; k < 2; k++) disk = begin(disk);
  assert.equal(disk.good?.root, B);
  disk = begin(disk);
  assert.deepEqual([disk.good?.root, disk.before, disk.poison[0]?.root], [A, null, B]);
});

test('the write-back compares own key and pointer', () => {
  const p = new Process();
  applyAll(p, 5, A);
  assert.deepEqual(writeBack('lb-1', 'canary', appliedOf(p.state), 3).compare, [
    { key: 'applied/lb-1', mod: 3 },
    { key: 'target/canary', mod: 5 },
  ]);
});
