import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aheadOf, monotonicMs, wallOffsetMs } from '../../src/sys/clock.ts';

/** A thread's clock, and one that is 1000 ms ahead; the thread is taken away for so long at each of its first readings. */
function clocks(pauses: readonly number[]): readonly [() => number, () => number] {
  let now = 0;
  const waiting = [...pauses];
  return [
    () => (now += 0.001),
    () => {
      const read = (now += 0.001) + 1000;
      now += waiting.shift() ?? 0;
      return read;
    },
  ];
}

describe('clocks', () => {
  it('a thread that is taken away between two of them asks again', () => {
    for (const pauses of [[], [150], [150, 80, 4]]) {
      const [own, other] = clocks(pauses);
      assert.ok(Math.abs(aheadOf(own, other) - 1000) < 0.01, pauses.join());
    }
  });

  it('a thread that is always taken away takes the closest reading, and goes on', () => {
    const [own, other] = clocks(Array.from({ length: 1000 }, (_, k) => 150 - k));
    assert.ok(Math.abs(aheadOf(own, other) - 1000) < 76);
  });

  it('the clock is that of the kernel, and the wall clock is as far ahead of it as it is', () => {
    const kernel = () => Number(process.hrtime.bigint()) / 1e6;
    // Half of what passes between two looks at the clocks is not known, 5 µs; ten times that is allowed.
    const earliest = kernel() - 0.05;
    const now = monotonicMs();
    const latest = kernel() + 0.05;
    assert.ok(now >= earliest && now <= latest, `${now} is not in ${earliest} … ${latest}`);
    const before = Date.now();
    const wall = monotonicMs() + wallOffsetMs();
    assert.ok(wall >= before - 2 && wall <= Date.now() + 2, `${wall} is not ${before}`);
  });
});
