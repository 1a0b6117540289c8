import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from '../../src/cluster/applied/state.ts';
import { MOST_REPAIRED, REPAIR_EVERY_MS, Repairs } from '../../src/cluster/drift/repairs.ts';

const REPAIR = { configuration: 'repair', dataPlane: 'repair' } as const;
const at = (now: number) => ({ policies: REPAIR, now });
const differs = (what: string, count = 1) => ({ what, count });

test('drift is repaired by policy only, each kind by its own', () => {
  const repairs = new Repairs();
  const policies = { configuration: 'report', dataPlane: 'repair' } as const;
  assert.equal(repairs.due('configuration', differs('failed'), { policies, now: 0 }), false);
  assert.equal(repairs.due('dataPlane', differs('web'), { policies, now: 0 }), true);
  assert.equal(repairs.due('dataPlane', differs('', 0), { policies, now: 0 }), false);
  assert.deepEqual(repairs.counts, { configuration: 0, dataPlane: 1 });
});

test('the same drift is tried once, another one not within ten minutes: nobody is fought', () => {
  const repairs = new Repairs();
  assert.equal(repairs.due('dataPlane', differs('web'), at(0)), true);
  assert.equal(repairs.due('dataPlane', differs('web'), at(10 * REPAIR_EVERY_MS)), false, 'it did not help');
  assert.equal(repairs.due('dataPlane', differs('api'), at(REPAIR_EVERY_MS - 1)), false);
  assert.equal(repairs.due('dataPlane', differs('api'), at(REPAIR_EVERY_MS)), true);
  assert.equal(repairs.due('dataPlane', differs('', 0), at(REPAIR_EVERY_MS + 1)), false);
  assert.equal(repairs.due('dataPlane', differs('api'), at(2 * REPAIR_EVERY_MS - 1)), false, 'it was away, and is back too soon');
  assert.equal(repairs.due('dataPlane', differs('api'), at(2 * REPAIR_EVERY_MS)), true);
});

test('nothing is repaired in maintenance, nor while a release is under way, nor so much that it is no drift', () => {
  const [base] = start(undefined, { boot: 'b1', version: '1' }, 0);
  const drift = { count: 1, samples: ['web'] };
  const version = { release: 2, root: 'b'.repeat(64) };
  const work = { kind: 'apply', version, purpose: 'apply' } as const;
  const done: string[] = [];
  const acts = { again: () => void done.push('again'), repair: () => done.push('repair') > 0, log: () => undefined };
  const repairs = new Repairs();
  for (const state of [
    { ...base, drift, held: 'in maintenance' },
    { ...base, drift, work },
    { ...base, drift: { ...drift, count: MOST_REPAIRED + 1 } },
    base,
  ])
    repairs.look(state, at(0), acts);
  assert.deepEqual(done, []);
  const failure = { root: version.root, seen: 7, state: 'failed', error: 'EPERM' } as const;
  const differing = { ...base, drift: { ...drift, count: MOST_REPAIRED }, failure };
  repairs.look({ ...base, drift }, at(0), { ...acts, repair: () => false });
  assert.equal(repairs.counts.dataPlane, 0, 'a server that doubts itself has not repaired anything');
  repairs.look(differing, at(0), acts);
  assert.deepEqual(done, ['repair', 'again']);
});
