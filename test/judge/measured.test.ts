/** Some of the random sequences of properties.test.ts again, in the process whose coverage is measured: all of them would take minutes there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove } from './properties.ts';

const SEQUENCES = 1000;

test(`P1–P8 hold on ${SEQUENCES} sequences, measured`, () => {
  const tally = new Map<string, number>();
  prove(1, 1 + SEQUENCES, tally);
  assert.equal(tally.get('checked P1–P5'), SEQUENCES);
});
