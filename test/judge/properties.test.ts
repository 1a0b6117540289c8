/** P1–P8 on 100 000 random evidence sequences; `npm run prove` does a million. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove, rare } from './properties.ts';

const SEQUENCES = 100_000;

test(`P1–P8, restart and reload hold on ${SEQUENCES} random sequences`, () => {
  const tally = new Map<string, number>();
  prove(1, 1 + SEQUENCES, tally);
  assert.deepEqual(rare(tally, 50), [], 'everything that can be said and done was, often enough');
  assert.equal(tally.get('checked P1–P5'), SEQUENCES);
});
