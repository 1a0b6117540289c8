import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../src/lab/until.ts';
import { now } from '../../src/lab/control.ts';
import { tellPause, watchPauses } from '../../src/lab/pauses.ts';

test('a program that does not run for a while says when, for how long, and that it computed nothing', async () => {
  const pauses = watchPauses();
  const from = now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  const pause = await until('a pause', 10_000, () => pauses().find(({ ms }) => ms >= 300));
  assert.ok(pause.at <= from && pause.at + pause.ms >= from + 300, JSON.stringify({ from, pause }));
  assert.ok(pause.computed < 300, JSON.stringify(pause));
});

test('a pause as words: its beginning counted from what it is told of', () => {
  const pause = { at: 5200, ms: 420.4, computed: 3.2, waited: 410, pagesRead: 0 };
  assert.equal(tellPause('client', pause, 4000), '1.20 s: client did not run for 420 ms (3 ms computed, 410 ms without a CPU)');
  assert.match(tellPause('client', { ...pause, pagesRead: 7 }, 4000), /410 ms without a CPU, 7 pages read from a disk\)$/);
});
