import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseBetween, tellPause } from '../../src/lab/pauses.ts';

test('a look that comes late is a pause, from the look before it, with what was used meanwhile', () => {
  const before = { at: 1000, computed: 70, waited: 5, pagesRead: 2 };
  assert.equal(pauseBetween(before, { ...before, at: 1149 }), undefined);
  assert.deepEqual(pauseBetween(before, { at: 1470, computed: 73, waited: 415, pagesRead: 2 }), {
    at: 1000,
    ms: 420,
    computed: 3,
    waited: 410,
    pagesRead: 0,
  });
});

test('a pause as words: its beginning counted from what it is told of', () => {
  const pause = { at: 5200, ms: 420.4, computed: 3.2, waited: 410, pagesRead: 0 };
  assert.equal(tellPause('client', pause, 4000), '1.20 s: client did not run for 420 ms (3 ms computed, 410 ms without a CPU)');
  assert.match(tellPause('client', { ...pause, pagesRead: 7 }, 4000), /410 ms without a CPU, 7 pages read from a disk\)$/);
});

test('of a kernel that does not count who waits for a CPU nothing is said of that', () => {
  const pause = JSON.parse(JSON.stringify({ at: 0, ms: 420, computed: 3, waited: Number.NaN, pagesRead: 0 }));
  assert.equal(tellPause('client', pause, 0), '0.00 s: client did not run for 420 ms (3 ms computed)');
});
