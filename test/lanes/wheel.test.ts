import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Wheel } from '../../src/lanes/wheel.ts';

test('fires at the due millisecond, not before', () => {
  const wheel = new Wheel(4, 1000);
  wheel.schedule(0, 1010.5);
  wheel.schedule(1, 1010);
  const fired: [number, number][] = [];
  for (let now = 1000; now <= 1012; now++) wheel.advance(now, (cell) => fired.push([cell, now]));
  assert.deepEqual(fired, [
    [1, 1010],
    [0, 1011],
  ]);
  assert.equal(wheel.size, 0);
});

test('what is due within the ms that has begun fires when its time has come, and once', () => {
  const wheel = new Wheel(3, 1000);
  const dues = [1010.2, 1010.7, 1011];
  dues.forEach((due, cell) => wheel.schedule(cell, due));
  const fired: [number, number][] = [];
  for (const now of [1009.9, 1010.1, 1010.2, 1010.5, 1010.9, 1010.9, 1011.3])
    wheel.advance(now, (cell) => fired.push([cell, now]));
  assert.deepEqual(fired, [
    [0, 1010.2],
    [1, 1010.9],
    [2, 1011.3],
  ]);
  assert.equal(wheel.size, 0);
});

test('what fires and is due at once again waits for the next turn, in whatever part of a ms', () => {
  for (const now of [1000.4, 1001, 1001.6]) {
    const wheel = new Wheel(2, 1000);
    wheel.schedule(0, 1000.3);
    wheel.schedule(1, 1000.3);
    const fired: number[] = [];
    const fire = (cell: number) => {
      fired.push(cell);
      wheel.schedule(cell, now);
      wheel.cancel(1 - cell);
    };
    wheel.advance(now, fire);
    assert.equal(fired.length, 1, String(now));
    assert.equal(wheel.size, 1);
    wheel.advance(now, fire);
    assert.deepEqual(fired, [fired[0], fired[0]]);
  }
});

test('what is due in the past fires at the next turn', () => {
  const wheel = new Wheel(1, 1000);
  wheel.schedule(0, 5);
  const fired: number[] = [];
  wheel.advance(1001, (cell) => fired.push(cell));
  assert.deepEqual(fired, [0]);
});

test('a time beyond the horizon waits for its turn', () => {
  const wheel = new Wheel(1, 0);
  wheel.schedule(0, 100_000);
  let at = 0;
  for (let now = 0; now <= 100_010; now += 7) wheel.advance(now, () => (at = now));
  assert.ok(at >= 100_000 && at < 100_008, String(at));
});

test('a stall longer than the wheel loses nothing', () => {
  const wheel = new Wheel(100, 0);
  for (let c = 0; c < 100; c++) wheel.schedule(c, c * 400);
  const fired = new Set<number>();
  wheel.advance(200_000, (cell) => fired.add(cell));
  assert.equal(fired.size, 100);
});

test('idleFor looks ahead and stops at the limit', () => {
  const wheel = new Wheel(1, 0);
  assert.equal(wheel.idleFor(0, 20), 20);
  wheel.schedule(0, 7);
  assert.equal(wheel.idleFor(0, 20), 7);
  wheel.cancel(0);
  assert.equal(wheel.idleFor(0, 20), 20);
});

test('behaves as a sorted map from cell to time', () => {
  // Of small steps as many as of large ones: most of what happens within a ms would not happen else.
  const quarters = (most: number) => fc.oneof(fc.nat(8), fc.nat(4 * most)).map((n) => n / 4);
  const step = fc.oneof(
    fc.record({ op: fc.constant('schedule' as const), cell: fc.nat(20), by: quarters(80_000) }),
    fc.record({ op: fc.constant('cancel' as const), cell: fc.nat(20), by: fc.constant(0) }),
    fc.record({ op: fc.constant('advance' as const), cell: fc.constant(0), by: quarters(60_000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wheel = new Wheel(21, 0);
      const model = new Map<number, number>();
      let now = 0;
      for (const { op, cell, by } of steps) {
        if (op === 'schedule') {
          wheel.schedule(cell, now + by);
          model.set(cell, now + by);
        } else if (op === 'cancel') {
          wheel.cancel(cell);
          model.delete(cell);
        } else {
          now += by;
          const fired: number[] = [];
          wheel.advance(now, (c) => fired.push(c));
          const expected = [...model].filter(([, due]) => due <= now).map(([c]) => c);
          assert.deepEqual(
            fired.sort((a, b) => a - b),
            expected.sort((a, b) => a - b),
          );
          for (const c of expected) model.delete(c);
        }
        assert.equal(wheel.size, model.size);
      }
    }),
    { numRuns: 300 },
  );
});
