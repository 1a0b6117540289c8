/** R0 when the whole process stood still (SIGSTOP, a suspended VM): the first pass after it may find fresh results everywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, judge } from '../../src/judge/judge.ts';
import { newBatch } from '../../src/model/facts.ts';
import { OK } from '../../src/model/outcome.ts';
import type { Transition } from '../../src/model/verdict.ts';
import { fill, type Result } from './sequences.ts';
import { say, topology } from './world.ts';

const SERVERS = 4;
const CELLS = 2 * SERVERS;
/** Stood still from here to there, ms; T = 1 s. */
const STOP = 8000;
const GO = 14_000;

const result = (cell: number, t: number): Result => [cell % 2, cell >> 1, OK, t];

/**
 * Passes each 100 ms but between STOP and GO; each cell has a result each 500 ms, at `times` in between.
 *
 * @param woken cells that have their result before the first pass after it; the others have theirs in the next
 */
function run(woken: number, times: readonly number[] = []): readonly Transition[] {
  const shape = topology({ nics: 2, servers: SERVERS });
  let state = initial(shape, 0);
  const said: Transition[] = [];
  for (let now = 100; now <= GO + 3000; now += 100) {
    if (now > STOP && now < GO) continue;
    const rows: Result[] = [];
    for (let cell = 0; cell < CELLS; cell++) {
      if (now === GO) rows.push(...times.map((t) => result(cell, t)));
      const answers = now === GO ? cell < woken : now === GO + 100 ? cell >= woken : now % 500 === 0;
      if (answers) rows.push(result(cell, now));
    }
    const results = fill(newBatch(rows.length), rows);
    const next = judge(state, { results, observations: [] }, now);
    state = next.state;
    said.push(...next.decisions.transitions);
  }
  return said;
}

test('it says so although every cell is fresh again before a pass could see them unknown, and only in that pass', () => {
  const said = run(CELLS);
  assert.deepEqual(said.map(say), ['AGENT_STALLED', 'OK']);
  assert.deepEqual(
    said.map(({ t }) => t),
    [GO, GO + 100],
  );
  const { reason, evidence } = said[0]!;
  assert.equal(reason, '8 of 8 cells were long without a result while the agent stood still; nothing is changed.');
  assert.deepEqual({ ...evidence.numbers }, { cells: 8, unknown: 0, missed: 8, anchors_good: 0 });
});

test('cells that are still without a result and cells that just had theirs are blind together', () => {
  const said = run(3);
  assert.deepEqual(said.map(say), ['AGENT_STALLED', 'OK']);
  assert.match(said[0]!.reason, /^3 of 8 cells were long without a result while the agent stood still, and 5 still have none;/);
});

test('only the judge stood still: whose results came all the time was never unknown', () => {
  const times = Array.from({ length: 11 }, (_, k) => STOP + 500 * (k + 1));
  assert.deepEqual(run(CELLS, times).map(say), []);
});
