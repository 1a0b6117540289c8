import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DROPPED,
  drain,
  DURATION_BOUNDS,
  durationAt,
  HEAD,
  hold,
  newBoard,
  push,
  release,
  TAIL,
  takeHeld,
} from '../../src/model/board.ts';
import { observe } from '../../src/model/histogram.ts';

const entry = (cell: number) => ({
  cell,
  generation: cell * 3,
  outcome: cell % 9,
  phase: cell % 8,
  cause: cell % 17,
  detail: 7 - cell,
  t: cell + 0.25,
  rttUs: 4_000_000_000 - cell,
  elapsedUs: cell * 10,
});

test('what is pushed is drained, in order and whole', () => {
  const board = newBoard(2, 8);
  for (let i = 0; i < 5; i++) push(board, entry(i));
  const seen: object[] = [];
  assert.equal(
    drain(board, (e) => seen.push({ ...e })),
    5,
  );
  assert.deepEqual(seen, [0, 1, 2, 3, 4].map(entry));
  assert.equal(
    drain(board, () => assert.fail('nothing is left')),
    0,
  );
});

test('a full ring drops the newest and counts it', () => {
  const board = newBoard(1, 4);
  for (let i = 0; i < 7; i++) push(board, entry(i));
  const cells: number[] = [];
  drain(board, (e) => cells.push(e.cell));
  assert.deepEqual(cells, [0, 1, 2, 3]);
  assert.equal(board.header[DROPPED], 3);
});

test('positions wrap at 2^32 without losing a result', () => {
  const board = newBoard(1, 8);
  board.header[HEAD] = board.header[TAIL] = 0x7fffffff - 2;
  const got: number[] = [];
  for (let i = 0; i < 30; i++) {
    push(board, entry(i));
    if (i % 5 === 4) drain(board, (e) => got.push(e.cell));
  }
  assert.deepEqual(
    got,
    Array.from({ length: 30 }, (_, i) => i),
  );
});

test('any interleaving of pushes and drains keeps the order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10), { maxLength: 60 }), (bursts) => {
      const board = newBoard(1, 16);
      const got: number[] = [];
      let next = 0;
      for (const n of bursts) {
        for (let i = 0; i < n; i++) push(board, entry(next++));
        drain(board, (e) => got.push(e.cell));
      }
      assert.deepEqual(
        got,
        Array.from({ length: next }, (_, i) => i),
      );
    }),
  );
});

test('an observation lands in its bucket and in the sum', () => {
  const board = newBoard(1, 4);
  const at = durationAt(0);
  observe(board.counters, at, DURATION_BOUNDS, 0.0001);
  observe(board.counters, at, DURATION_BOUNDS, 99);
  assert.equal(board.counters[at], 1);
  assert.equal(board.counters[at + DURATION_BOUNDS.length], 1);
  assert.equal(board.counters[at + DURATION_BOUNDS.length + 1], 99.0001);
});

test('descriptors held are told once', () => {
  const board = newBoard(1, 4);
  for (const fd of [3, 31, 32, 1000]) hold(board, fd);
  release(board, 32);
  assert.deepEqual(takeHeld(board), [3, 31, 1000]);
  assert.deepEqual(takeHeld(board), []);
});
