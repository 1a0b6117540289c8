import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../../src/daemon/pulse.ts';

test('beats and changes are seen through the buffer, also when the 32-bit clock turns over', () => {
  const judge = new Pulse();
  const reader = new Pulse(judge.buffer);
  for (const now of [5000, 2 ** 31 - 10, 2 ** 32 - 10, 2 ** 32 + 2 ** 31]) {
    judge.beat(now);
    assert.deepEqual([reader.silentMs(now), reader.silentMs(now + 40), reader.silentMs(now - 5)], [0, 40, 0]);
  }
  assert.equal(reader.changes, 0);
  judge.change();
  judge.change();
  assert.equal(reader.changes, 2);
});
