/** What must never happen, on 100 000 random histories each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barrierHistory } from './histories/barriers.ts';
import { budgetHistory } from './histories/budgets.ts';
import { Tally } from './histories/etcd-model.ts';
import { rolloutHistory } from './histories/rollouts.ts';

const HISTORIES = Number(process.env['FOURLANE_HISTORIES'] ?? 100_000);

const KINDS = [
  {
    name: 'a barrier never says done while a server that counts runs another root',
    play: barrierHistory,
    events: ['done', 'failed', 'absent', 'waiting'],
  },
  {
    name: 'a budget is never exceeded, no floor is broken, and nothing acts on an older fence',
    play: budgetHistory,
    events: ['granted', 'raced', 'full', 'floor', 'acted', 'fenced', 'not_in_roster'],
  },
  {
    name: 'a rollout never advances after a halt, nor out of turn, and is done only when all run it',
    play: rolloutHistory,
    events: ['raced', 'preparing', 'applying', 'soaking', 'halted', 'rollingBack', 'rolledBack', 'backFailed', 'done'],
  },
] as const;

for (const { name, play, events } of KINDS) {
  test(`${name} (${HISTORIES} histories)`, () => {
    const tally = new Tally();
    for (let seed = 1; seed <= HISTORIES; seed++) {
      try {
        play(seed, tally);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    const rare = events.filter((event) => (tally.get(event) ?? 0) < HISTORIES / 1000);
    assert.deepEqual(rare, [], `each happens often enough: ${JSON.stringify([...tally])}`);
  });
}
