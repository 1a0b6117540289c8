/** What a reload copies lies where it did, as found by the plainest way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { locate } from '../../src/model/locate.ts';
import { copySpans, spansOf } from '../../src/judge/spans.ts';

const names = fc.uniqueArray(
  fc.integer({ min: 0, max: 30 }).map((n) => `rs${n}`),
  { maxLength: 24 },
);
/** An order, and what an edit makes of it: some removed, some added, some moved. */
const edited = names.chain((old) =>
  fc.tuple(
    fc.constant(old),
    fc.oneof(
      names,
      fc.shuffledSubarray(old),
      fc.subarray(old).chain((kept) => names.map((added) => [...new Set([...kept.slice(0, 3), ...added, ...kept])])),
    ),
  ),
);

test('names are found where they stand now', () => {
  fc.assert(
    fc.property(edited, ([old, next]) => {
      assert.deepEqual(
        locate(old, next),
        old.map((name) => next.indexOf(name)),
      );
    }),
    { numRuns: 20_000 },
  );
  assert.deepEqual(locate(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'y', 'd', 'b']), [0, 5, 2, 4]);
});

test('columns are copied to where their rows stand now; a new row keeps its first value', () => {
  fc.assert(
    fc.property(edited, fc.nat(3), fc.nat(3), ([old, next], fromBase, toBase) => {
      const where = locate(old, next);
      const source = Float64Array.from({ length: fromBase + old.length }, (_, k) => 1000 + k);
      const target = Float64Array.from({ length: toBase + next.length }, (_, k) => -1 - k);
      const expected = target.slice();
      where.forEach((to, from) => to >= 0 && (expected[toBase + to] = source[fromBase + from]!));
      copySpans(source, target, spansOf(where, next.length), fromBase, toBase);
      assert.deepEqual(target, expected);
    }),
    { numRuns: 20_000 },
  );
});
