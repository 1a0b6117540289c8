import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RealServerIndex } from '../../src/daemon/real-server-index.ts';
import type { Plan } from '../../src/model/plan.ts';

const targets = (...names: string[]) => names.map((realServer) => ({ realServer })) as unknown as Plan['targets'];

test('checks and entries of a list lead to each other, also when an address is written otherwise', () => {
  const list = ['10.0.0.1:80', '10.0.0.2:80', '[2001:DB8::1]:80', 'b.example:80'];
  const index = new RealServerIndex(list, targets('10.0.0.2:80', '[2001:db8::1]:80', '10.0.0.2:80', '10.9.9.9:80'));
  assert.deepEqual(index.entriesOf([2, 0, 1, 3]), [1, 2], 'a check of a real server that is in no release says nothing');
  assert.deepEqual(
    [0, 1, 2, 3].map((entry) => index.targetsOf(entry)),
    [[], [0, 2], [1], []],
  );
});
