/** The short form of `npm run attack`: hostile real servers beside good ones. Needs root. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { scenarios } from '../attack/scenarios/index.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { enterOwnNetwork } from './harness.ts';

before(() => {
  ensure(['iproute2', 'openssl']);
  enterOwnNetwork();
});

for (const scenario of scenarios.filter(({ short }) => short)) {
  test(`${scenario.family}: ${scenario.name}: others are judged as without it`, { timeout: 60_000 }, async () => {
    const { control, now, misses } = await scenario.run(true);
    assert.deepEqual(misses, [], `${control} became ${now}`);
  });
}
