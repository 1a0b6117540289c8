/** Short forms of attacks as tests: the whole is `npm run attack`. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { scenarios } from '../attack/scenarios/index.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork } from './harness.ts';

/** A test for each scenario of these families that has a short form. */
export function attackTests(families: readonly string[]): void {
  before(() => {
    ensure(['iproute2', 'openssl']);
    enterOwnNetwork();
  });
  for (const scenario of scenarios.filter(({ short, family }) => short && families.includes(family)))
    test(`${scenario.family}: ${scenario.name}: others are judged as without it`, { timeout: 120_000 }, async () => {
      const { control, now, misses } = await scenario.run(true);
      assert.deepEqual(misses, [], `${control} became ${now}`);
    });
}
