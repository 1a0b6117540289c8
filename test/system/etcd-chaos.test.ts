/** A minute of chaos, with fewer writes: `npm run chaos:etcd` is ten. */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chaos } from '../etcd/chaos.ts';

test('mirrors report every revision of an etcd that is hurt: once, in order, as it was written', async (t) => {
  const { wrong, ...result } = await chaos({
    dir: join(mkdtempSync(join(tmpdir(), 'fourlane-chaos-')), 'etcd'),
    seconds: 60,
    pauseMs: 50,
  });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(wrong, []);
  // What is tested has happened.
  assert.ok(result.confirmed > 1000 && result.reconnects > 5 && Object.keys(result.faults).length > 5);
});
