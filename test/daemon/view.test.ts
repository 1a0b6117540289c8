/** The view of the running parts: what of an action others may see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeView, type ViewParts } from '../../src/daemon/view.ts';
import { begin, down, SMALL, wantedOf } from '../act/world.ts';

test('an action that fails is pending, with since when and why, and without what a URL may hide', async () => {
  const stage = begin();
  const view = makeView({ reconciler: stage.reconciler, clock: () => stage.now } as unknown as ViewParts);
  assert.deepEqual(view.pending(), { total: 0, failing: 0, longest: [] });
  stage.now = 5000;
  stage.reconciler.pass(wantedOf(SMALL, down(1)), []);
  const what = { actuator: 'exec', kind: 'nic', nic: 'eth3', wanted: 'failed', actual: 'not known', since: 5000 };
  assert.deepEqual(view.pending(), { total: 1, failing: 0, longest: [{ ...what, state: 'running', failures: 0, error: '' }] });
  await stage.endAll(new Error('POST https://hooks.example/services/T0/secret?k=v failed: answered 403, needs 2xx'));
  const error = 'POST https://hooks.example/… failed: answered 403, needs 2xx';
  assert.deepEqual(view.pending(), { total: 1, failing: 1, longest: [{ ...what, state: 'retrying', failures: 1, error }] });
});

test('of very many, the twenty that have waited longest are listed', () => {
  const pending = Array.from({ length: 20 }, (_, k) => k);
  const asked: unknown[] = [];
  const reconciler = {
    pendingCount: () => 60_000,
    failingCount: () => 0,
    unsupported: () => [],
    pending: (most: number) => {
      asked.push(most);
      return pending.map(() => ({ effect: { spec: { type: 'exec' }, kind: 'nic', state: 'ok' }, error: '' }));
    },
  };
  const view = makeView({ reconciler, clock: () => 0 } as unknown as ViewParts);
  assert.deepEqual([view.pending().total, view.pending().longest.length, asked[0]], [60_000, 20, 20]);
});
