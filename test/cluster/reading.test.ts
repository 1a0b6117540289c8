import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { stateOf } from '../../src/cluster/view/reading.ts';
import type { Item } from '../../src/cluster/view/state.ts';
import { readState } from './memory-store.ts';

/** Keys of several kinds, values that are right and damaged, revisions that may be given anew after a restore. */
const item = fc.record({
  key: fc.constantFrom('roster/lb-01', 'roster/lb-02', 'target/canary', 'lead', 'budget/nic/rule', 'nobody/knows'),
  value: fc
    .constantFrom('{', '{}', '{"ring":"rest"}', '{"ring":"rest","labels":{}}', '{"ring":"canary"}', '{"atMost":1}', '{"n":1}')
    .map((text) => Buffer.from(text)),
  create: fc.integer({ min: 1, max: 2 }),
  mod: fc.integer({ min: 1, max: 3 }),
});
const items = fc.uniqueArray(item, { selector: ({ key }) => key, maxLength: 6 });

test('a state that is read again is what stands there, whatever was there before; one that was given out stays as it was', () =>
  fc.assert(
    fc.asyncProperty(fc.array(items, { minLength: 1, maxLength: 5 }), async (histories) => {
      let now: readonly Item[] = [];
      const store = { read: () => Promise.resolve({ items: now, revision: 0 }) };
      const given = [];
      for (now of histories) given.push(await stateOf(store));
      const fresh = histories.map(readState);
      const sorted = (state: (typeof fresh)[number]) => ({ ...state, problems: state.problems.toSorted() });
      assert.deepEqual(given.map(sorted), fresh.map(sorted));
    }),
    { numRuns: 2000 },
  ));

test('what is as it was is not parsed again', async () => {
  let reads = 0;
  const value = Buffer.from('{"ring":"rest","labels":{}}');
  const one: Item = { key: 'roster/lb-01', value, create: 1, mod: 1 };
  const store = { read: () => Promise.resolve({ items: [{ ...one, mod: 1 + Math.floor(reads++ / 2) }], revision: reads }) };
  const [first, second, third] = [await stateOf(store), await stateOf(store), await stateOf(store)];
  assert.equal(first.roster.get('lb-01'), second.roster.get('lb-01'));
  assert.notEqual(second.roster.get('lb-01'), third.roster.get('lb-01'));
});
