import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counts, TransitionLog } from '../../src/report/history.ts';
import type { Transition } from '../../src/model/verdict.ts';
import { NIC_FAULT } from './fake-view.ts';

const at = (t: number): Transition => ({ ...NIC_FAULT, t, previous: 'OK', actions: [], blocked: [] });
const times = (log: TransitionLog, since: number) => log.since(since).map((t) => t.t);

test('the ring keeps the last ones, in order, before and after it is full', () => {
  const log = new TransitionLog(3);
  log.record({ transitions: [at(1), at(2)], blocked: [] });
  assert.deepEqual(times(log, 0), [1, 2]);
  log.record({ transitions: [at(3), at(4), at(5)], blocked: [] });
  assert.deepEqual(times(log, 0), [3, 4, 5]);
  assert.deepEqual(times(log, 3), [4, 5]);
});

test('every change is counted, also when the ring has forgotten it', () => {
  const log = new TransitionLog(1);
  const action = { action: 'disable_nic', nic: 'eth2' } as const;
  log.record({ transitions: [at(1), at(2), at(3)], blocked: [{ action, rule: 'last_nic' }] });
  const value = (counts: Counts, ...row: string[]) => counts.values[counts.rows.findIndex((r) => r.join() === row.join())];
  assert.equal(value(log.changes, 'nic', 'NIC_FAIL'), 3);
  assert.equal(value(log.changes, 'rs', 'RS_DOWN'), 0, 'what never happened is 0, so that the first time is an increase');
  assert.equal(value(log.blocked, 'last_nic'), 1);
});

test('an unforeseen series is added, and only then are the rows new', () => {
  const counts = new Counts([['a']]);
  const { rows } = counts;
  counts.add(['a']);
  assert.equal(counts.rows, rows);
  counts.add(['b'], 2);
  assert.deepEqual(
    [counts.rows, [...counts.values]],
    [
      [['a'], ['b']],
      [1, 2],
    ],
  );
});
