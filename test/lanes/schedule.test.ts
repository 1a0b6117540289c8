import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BurstBudget, confirming, firstStart, jittered, nextStreak, valence } from '../../src/lanes/schedule.ts';
import { L7, LATE, NETDOWN, OK, OK_SLOW, REFUSED, TIMEOUT } from '../../src/model/outcome.ts';

test('first starts fill the interval evenly', () => {
  const bins = Array.from({ length: 10 }, () => 0);
  for (let cell = 0; cell < 1000; cell++) bins[Math.floor(((firstStart(cell, 1000, 5000) - 5000) / 1000) * 10)]! += 1;
  for (const n of bins) assert.ok(n >= 95 && n <= 105, bins.join(' '));
});

test('jitter stays within two per cent on either side', () => {
  assert.equal(jittered(1000, 100, 0), 998);
  assert.ok(jittered(1000, 100, 0.999) < 1002);
});

test('a refusal is bad, an unknown changes nothing', () => {
  assert.deepEqual([OK, OK_SLOW, REFUSED, L7, TIMEOUT, NETDOWN, LATE].map(valence), [1, 1, -1, -1, -1, -1, 0]);
  assert.equal(nextStreak(-2, 0), -2);
  assert.equal(nextStreak(5, -1), -1);
  assert.equal(nextStreak(-2, -1), -3);
  assert.equal(nextStreak(-3, 1), 1);
  assert.ok(!confirming(nextStreak(0, 1), 3, 2), 'a good start needs no confirmation');
  assert.ok(confirming(nextStreak(0, -1), 3, 2));
});

test('the confirmation burst ends when fall or rise is reached', () => {
  assert.deepEqual(
    [0, -1, -2, -3, -50].map((s) => confirming(s, 3, 2)),
    [false, true, true, false, false],
  );
  assert.deepEqual(
    [1, 2, 80].map((s) => confirming(s, 3, 2)),
    [true, false, false],
  );
});

test('a lane adds at most three quarters of its regular probes, and a few', () => {
  const budget = new BurstBudget();
  budget.change(1000);
  let taken = 0;
  for (let now = 0; now < 10_000; now++) for (let k = 0; k < 5; k++) if (budget.take(now)) taken++;
  assert.ok(taken >= 9490 && taken <= 10_500, String(taken));
});

test('a small lane is never held back, and unused budget does not pile up', () => {
  const budget = new BurstBudget();
  budget.change(16);
  for (let k = 0; k < 200; k++) assert.ok(budget.take(0));
  assert.ok(!budget.take(0));
  let taken = 0;
  while (budget.take(60_000)) taken++;
  assert.equal(taken, 212);
});
