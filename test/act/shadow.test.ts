/** shadow: every effect is done by doing nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shadow } from '../../src/act/shadow.ts';
import type { Effect } from '../../src/act/actuator.ts';

test('each effect of a call is done, whatever it is', async () => {
  const effect = { kind: 'realServer', state: 'disabled', weight: 0 } as Effect;
  const call = { announce: false, notes: [] };
  assert.deepEqual(await shadow.perform({ type: 'shadow' }, [effect, effect], call), [{ result: 'done' }, { result: 'done' }]);
});
