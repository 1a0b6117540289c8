import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digits, formatBound, formatNumber, writeInteger } from '../../src/metrics/numbers.ts';

test('integers are written as String writes them', () => {
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.maxSafeInteger().map(Math.abs),
    fc.constantFrom(0, 9, 10, 99, 99_999, 100_000, 2 ** 31, 2 ** 53 - 1),
  );
  fc.assert(
    fc.property(sizes, (v) => {
      const out = Buffer.alloc(20, '#');
      writeInteger(out, 2, v, digits(v));
      assert.equal(out.toString(), `##${v}`.padEnd(20, '#'));
    }),
  );
});

test('infinities have signs, bounds have a point', () => {
  assert.deepEqual([Infinity, -Infinity, 0.25, -3, 2n ** 64n - 1n].map(formatNumber), [
    '+Inf',
    '-Inf',
    '0.25',
    '-3',
    '18446744073709551615',
  ]);
  assert.deepEqual([1, 0.005, 10, 1e21].map(formatBound), ['1.0', '0.005', '10.0', '1e+21']);
});

test('finite numbers are written as String writes them', () => {
  const finite = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 5e-324, 1e21, 1e-7, -1.5));
  fc.assert(fc.property(finite, (v) => assert.equal(formatNumber(v), String(v))));
});
