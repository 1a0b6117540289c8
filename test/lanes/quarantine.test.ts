import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { debtAfter, Quarantine } from '../../src/lanes/quarantine.ts';

const S = 1000;

describe('a quarantine', () => {
  it('lasts 10 s, twice as long after each hold, 10 minutes at most', () => {
    const quarantine = new Quarantine();
    const lengths: number[] = [];
    for (let now = 0, k = 0; k < 8; k++) {
      const held = quarantine.hold(3, 1, now);
      lengths.push((held.until - now) / S);
      now = held.until + S;
    }
    assert.deepEqual(lengths, [10, 20, 40, 80, 160, 320, 600, 600]);
  });

  it('is over in time, and begins from the start for a cell that has behaved for 10 minutes since', () => {
    const quarantine = new Quarantine();
    quarantine.hold(3, 1, 0);
    assert.deepEqual(
      [0, 4 * S, 10 * S, 11 * S].map((now) => quarantine.remaining(3, 1, now)),
      [10 * S, 6 * S, 0, 0],
    );
    assert.equal(quarantine.hold(3, 1, 10 * S + 599 * S).until, 609 * S + 20 * S, 'not yet forgiven');
    assert.equal(quarantine.hold(3, 1, 629 * S + 600 * S).until, 1229 * S + 10 * S, 'forgiven');
  });

  it('is of one occupant of the cell', () => {
    const quarantine = new Quarantine();
    quarantine.hold(3, 1, 0);
    assert.equal(quarantine.remaining(3, 2, S), 0);
    assert.equal(quarantine.remaining(4, 1, S), 0);
    assert.equal(quarantine.hold(3, 2, S).holds, 1, 'the other occupant held nothing before');
    quarantine.forget(3);
    assert.equal(quarantine.remaining(3, 2, S), 0);
  });

  it('is counted while it lasts, and goes on in another list', () => {
    const quarantine = new Quarantine();
    quarantine.hold(3, 1, 0);
    quarantine.hold(4, 1, 5 * S);
    const next = new Quarantine();
    for (const held of quarantine.entries) next.take(held);
    assert.deepEqual(
      [0, 9, 10, 15].map((s) => next.count(s * S)),
      [2, 2, 1, 0],
    );
    assert.equal(next.hold(3, 1, 12 * S).holds, 2, 'its back-off goes on');
  });
});

describe('debtAfter', () => {
  const probes = (...costs: number[]) => costs.reduce((debt, cost) => debtAfter(debt, cost, 20), 0);
  it('forgives what is allowed, each time', () => assert.equal(probes(20, 20, 20, 5), 0));
  it('adds up what is above it', () => assert.equal(probes(30, 30, 50), 50));
  it('is paid off by cheap probes', () => assert.equal(probes(60, 0, 5), 5));
});
