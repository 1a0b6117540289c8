import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseWeight, decidingTarget, isDown } from '../../src/model/combined.ts';

/** What targets 0, 1, … say: nothing, a weight, or a change of it. */
const dynamic = (...said: (undefined | number | `${'+' | '-'}${number}`)[]) => ({
  by: Uint8Array.from(said, (each) => (each === undefined ? 0 : typeof each === 'number' ? 1 : 2)),
  value: Int32Array.from(said, (each) => Number(each ?? 0)),
});

test('the weight at rest: a weight of exec instead of the configured one, changes of files added, several add up', () => {
  const one = { target: 0, weight: 10 };
  assert.equal(baseWeight(one, dynamic(undefined)), 10);
  assert.equal(baseWeight(one, dynamic(3)), 3);
  assert.equal(baseWeight(one, dynamic(0)), 0);
  assert.equal(baseWeight(one, dynamic(253)), 253);
  assert.equal(baseWeight(one, dynamic('+5')), 15);
  assert.equal(baseWeight(one, dynamic('-50')), 0);
  assert.equal(baseWeight(one, dynamic('+100000')), 65_535);
  const several = { target: 0, further: [1, 2], weight: 10 };
  // As keepalived: 10 + (12 - 10) + (7 - 10) + 4.
  assert.equal(baseWeight(several, dynamic(12, 7, '+4')), 13);
  assert.equal(baseWeight(several, dynamic(undefined, '-2', undefined)), 8);
  assert.equal(baseWeight({ target: 0, weight: 70_000 }, dynamic(undefined)), 70_000);
});

test('down: one check where all must be good, each where any is enough', () => {
  const several = { target: 0, further: [2], weight: 1 };
  assert.equal(isDown([1, 0, 0], several, undefined), true);
  assert.equal(isDown([0, 1, 0], several, undefined), false);
  assert.equal(isDown([1, 0, 0], several, 'any'), false);
  assert.equal(isDown([1, 0, 1], several, 'any'), true);
  assert.equal(isDown([1], { target: 0, weight: 1 }, 'any'), true);
});

test('the check that decides: the worst, with any the best; the first of equals', () => {
  const several = { target: 0, further: [1, 2], weight: 1 };
  const by = (...badness: number[]) => [
    decidingTarget(several, undefined, (target) => badness[target]!),
    decidingTarget(several, 'any', (target) => badness[target]!),
  ];
  assert.deepEqual(by(0, 2, 2), [1, 0]);
  assert.deepEqual(by(3, 1, 1), [0, 1]);
});
