/**
 * Some of the random sequences of properties.test.ts again, in the process whose coverage is measured: all of them would take
 * minutes there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove } from './properties.ts';

const SEQUENCES = 1000;

test(`P1–P8 hold on ${SEQUENCES} sequences, measured`, () => {
  const tally = new Map<string, number>();
  prove(1, 1 + SEQUENCES, tally);
  for (const name of ['P1', 'P5', 'P6', 'P8']) assert.equal(tally.get(`checked ${name}`), SEQUENCES, name);
});
