import assert from 'node:assert/strict';
import test from 'node:test';
import { quantileIn } from './calibration.ts';
import { mostlyGood, type Row, tableOf, verdictOf } from './row.ts';

const QUICK = true;
const SLOW = false;
const needs = [{ what: 'armed after the kill', holds: true }];
const absolute: Row = { what: 'dead', value: 11, limit: 13, unit: 's', needs };
const ratio: Row = { what: 'pass', value: 12, limit: 10, unit: 'ms', calibration: { what: 'plain', value: 4, times: 4 }, needs };
const cal = (value: number | null | undefined): Row => ({ ...ratio, calibration: { what: 'plain', value, times: 4 } });
const is = (row: Row, quick = SLOW) => verdictOf(row, quick).is;

void test('a row passes at its limit and misses above it', () => {
  assert.equal(is(absolute), 'pass');
  assert.equal(is({ ...absolute, value: 13 }), 'pass');
  assert.equal(is({ ...absolute, value: 13.01 }), 'miss');
  assert.equal(is({ ...absolute, value: 0 }), 'pass');
});

void test('a number that is none is void, never a pass', () => {
  for (const value of [NaN, Infinity, -Infinity, null, undefined, -1]) {
    assert.equal(is({ ...absolute, value }), 'void', String(value));
    assert.equal(is({ ...ratio, value }), 'void', `${value} with a calibration`);
  }
  // JSON turns NaN and Infinity to null on their way between processes.
  assert.equal(is({ ...absolute, value: JSON.parse(JSON.stringify(NaN)) as null }), 'void');
});

void test('a calibration that is none is void', () => {
  for (const value of [NaN, Infinity, null, undefined, 0, -4]) assert.equal(is(cal(value)), 'void', String(value));
});

void test('without its precondition a row is void, whatever its number', () => {
  const not = { what: 'no verdict before the kill', holds: false };
  assert.deepEqual(verdictOf({ ...absolute, value: 0, needs: [...needs, not] }, SLOW), {
    is: 'void',
    why: 'not so: no verdict before the kill',
  });
  assert.equal(is({ ...absolute, value: 99, needs: [not] }), 'void');
});

void test('the ratio decides on every machine, the limit beside it on a quick one', () => {
  assert.equal(is(ratio, SLOW), 'pass');
  assert.equal(is(ratio, QUICK), 'miss');
  assert.equal(is({ ...ratio, value: 16 }, SLOW), 'pass');
  assert.equal(is({ ...ratio, value: 16.1 }, SLOW), 'miss');
  assert.equal(is({ ...ratio, value: 9 }, QUICK), 'pass');
  assert.equal(is({ ...cal(2), value: 9 }, QUICK), 'miss');
  const plus: Row = { ...ratio, value: 19, calibration: { what: 'monitor', value: 4, times: 4, plus: 3 } };
  assert.equal(is(plus), 'pass');
  assert.equal(is({ ...plus, value: 19.1 }), 'miss');
});

void test('checks count only when there are enough and nearly all are good', () => {
  const holds = (ok: number | null, probes: number | null) => mostlyGood('ours', { ok, probes }).holds;
  assert.equal(holds(1000, 1000), true);
  assert.equal(holds(99_900, 100_000), true);
  assert.equal(holds(99_899, 100_000), false);
  assert.equal(holds(0, 100_000), false);
  assert.equal(holds(0, 0), false);
  assert.equal(holds(999, 999), false);
  assert.equal(holds(null, 100_000), false);
  assert.equal(holds(1000, null), false);
  assert.equal(holds(NaN, NaN), false);
  // More good ones than checks: something was counted twice.
  assert.equal(holds(2000, 1000), false);
});

void test('the table shows value, limit, calibration, ratio, target and why a row is void', () => {
  const lines = tableOf(
    [
      { ...ratio, value: 8 },
      { ...cal(null), value: 8 },
      { ...absolute, value: null },
    ],
    SLOW,
  ).split('\n');
  assert.deepEqual(lines.slice(2), [
    '| pass | 8 ms | ≤ 10 ms | plain: 4 ms | 2 × | ≤ 4 × | pass |',
    '| pass | 8 ms | ≤ 10 ms | plain: – | – | ≤ 4 × | **void**: no calibration: plain null |',
    '| dead | – | ≤ 13 s |  |  |  | **void**: no number: null |',
  ]);
});

void test('a quantile lies within its bucket, beyond the last one nowhere', () => {
  const bounds = [1, 2, 5];
  assert.equal(quantileIn([10, 0, 0, 0], bounds, 0.5), 0.5);
  assert.equal(quantileIn([0, 0, 10, 0], bounds, 1), 5);
  assert.equal(quantileIn([98, 0, 2, 0], bounds, 0.99), 3.5);
  assert.equal(quantileIn([1, 0, 0, 9], bounds, 0.99), Infinity);
  assert.ok(Number.isNaN(quantileIn([0, 0, 0, 0], bounds, 0.99)));
});
