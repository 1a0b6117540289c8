/** Short forms of attacks as tests: the whole is `npm run attack`. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { scenarios } from '../attack/scenarios/index.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork } from './harness.ts';
import { PATIENCE } from './patience.ts';

/**
 * A phase of the short form has some 80 passes: its p99 is that of the latest one, which on a machine that others use too says
 * as much of them. There a miss is one when it comes again.
 */
const TRIES = PATIENCE > 1 ? 2 : 1;

/** A test for each scenario of these families that has a short form. */
export function attackTests(families: readonly string[]): void {
  before(() => {
    ensure(['iproute2', 'openssl']);
    enterOwnNetwork();
  });
  for (const scenario of scenarios.filter(({ short, family }) => short && families.includes(family)))
    test(`${scenario.family}: ${scenario.name}: others are judged as without it`, { timeout: TRIES * 120_000 }, async () => {
      let said = '';
      for (let k = 1; k <= TRIES; k++) {
        const { control, now, misses } = await scenario.run(true);
        if (misses.length === 0) return;
        said += `${misses.join('; ')}: ${control} became ${now}\n`;
      }
      assert.fail(said);
    });
}
