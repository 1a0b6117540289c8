import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { counter, gauge, histogram } from '../../src/model/family.ts';
import type { Samples } from '../../src/collect/collector.ts';
import { Output } from '../../src/collect/output.ts';
import type { Exact } from '../../src/model/exact.ts';

const C = counter('packets_total', 'Packets.', ['core']);
const G = gauge('depth', 'Depth.', ['queue']);
const S = counter('service_packets_total', 'Packets.', ['service']);
const H = histogram('latency_seconds', 'Latency.', ['core']);

const values = (o: Output) => Object.fromEntries(o.families().map((f) => [f.name, Array.from(f.values as ArrayLike<number>)]));

test('a counter begins at the first value, follows, and goes on when its source begins anew', () => {
  const o = new Output();
  const read = (value: Exact, epoch?: Exact) => {
    let by: Exact = -1;
    o.take((s) => void (by = s.counter(C, ['1'], value, epoch)));
    return [by, values(o)['fourlane_packets_total']![0]];
  };
  assert.deepEqual(read(100), [100, 100]);
  assert.deepEqual(read(130), [30, 130]);
  assert.deepEqual(read(20), [20, 150], 'went back: anew');
  assert.deepEqual(read(25, 7), [25, 175], 'another epoch: anew, though it is larger');
  assert.deepEqual(read(30, 7), [5, 180]);
});

test('increases beyond 2^53 are exact', () => {
  const o = new Output();
  const big = 2n ** 63n;
  const by: Exact[] = [];
  for (const value of [big, big + 3n, big + 5n]) o.take((s) => by.push(s.counter(C, ['1'], value)));
  assert.deepEqual(by, [big, 3, 2]);
  assert.deepEqual(values(o)['fourlane_packets_total'], [Number(big + 5n)]);
});

test('rows keep their identity while the series are the same, and only then', () => {
  const o = new Output();
  const read = (...cores: string[]) => {
    o.take((s) => cores.forEach((c) => s.gauge(G, [c], 1)));
    return o.families()[0]!.rows;
  };
  const first = read('a', 'b', 'c');
  assert.equal(read('a', 'b', 'c'), first);
  const second = read('a', 'c');
  assert.deepEqual(second, [['a'], ['c']]);
  assert.deepEqual(first, [['a'], ['b'], ['c']], 'a scrape may still show it');
  assert.deepEqual(read('x', 'a', 'c'), [['x'], ['a'], ['c']]);
});

test('a series that one reading missed does not count its past again', () => {
  const o = new Output();
  const read = (rs: Record<string, number>) =>
    o.take((s) => {
      for (const [name, value] of Object.entries(rs)) s.increase(S, ['web'], s.counter(C, [name], value));
    });
  read({ a: 1000, b: 10 });
  read({ b: 11 });
  read({ a: 1005, b: 12 });
  assert.deepEqual(values(o)['fourlane_service_packets_total'], [1017]);
  read({ a: 3, b: 12 });
  assert.deepEqual(values(o)['fourlane_service_packets_total'], [1020], 'made anew: only what it shows now');
});

test('increases of one series add up, in a row or not', () => {
  const o = new Output();
  for (let i = 0; i < 2; i++) o.take((s) => ['a', 'a', 'b', 'a'].forEach((name) => s.increase(S, [name], 1)));
  assert.deepEqual(o.families()[0]!.rows, [['a'], ['b']]);
  assert.deepEqual(values(o)['fourlane_service_packets_total'], [6, 2]);
});

test('a second series with the same labels and those over the limit are dropped and counted', () => {
  const o = new Output(2);
  for (let i = 0; i < 2; i++) o.take((s) => ['a', 'a', 'b', 'c'].forEach((q) => s.gauge(G, [q], 1)));
  assert.deepEqual(o.families()[0]!.rows, [['a'], ['b']]);
  assert.deepEqual([...o.dropped()], [['fourlane_depth', 4]]);
});

test('histograms: counts per bucket and the sum go on over a restart; other bounds are a family of their own', () => {
  const o = new Output();
  o.take((s) => s.histogram(H, ['1'], { bounds: [0.1, 1], counts: [1, 2, 3], sum: 4.5, epoch: 1 }));
  o.take((s) => s.histogram(H, ['1'], { bounds: [0.1, 1], counts: [1, 1, 1], sum: 0.25, epoch: 2 }));
  assert.deepEqual(values(o)['fourlane_latency_seconds'], [2, 3, 4, 4.75]);
  o.take((s) => {
    s.histogram(H, ['1'], { bounds: [0.1, 1], counts: [1, 1, 2], sum: 0.5, epoch: 2 });
    s.histogram(H, ['2'], { bounds: [5], counts: [1, 0], sum: 1 });
  });
  assert.deepEqual(
    o.families().map((f) => [f.bounds, f.rows, Array.from(f.values as ArrayLike<number>)]),
    [
      [[0.1, 1], [['1']], [2, 3, 5, 5]],
      [[5], [['2']], [1, 0, 1]],
    ],
  );
  assert.throws(() => o.take((s) => s.histogram(H, ['1'], { bounds: [0.1], counts: [1], sum: 0 })), /1 bounds and 1 counts/);
  assert.deepEqual(o.families(), [], 'a reading that threw leaves nothing half written');
});

test('property: a total never goes back, and equals the sum of the increases of its source', () => {
  const step = fc.record({ by: fc.bigInt({ min: 0n, max: 2n ** 62n }), restart: fc.boolean(), missed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const o = new Output();
      let raw = 0n;
      let sum = 0n;
      let epoch = 0;
      let before = 0;
      for (const { by, restart, missed } of steps) {
        if (restart) [raw, epoch] = [0n, epoch + 1];
        if (raw + by >= 2n ** 64n) continue;
        raw += by;
        if (missed) {
          o.take(() => undefined);
          continue;
        }
        let got: Exact = 0;
        o.take((s) => void (got = s.counter(C, ['1'], raw, epoch)));
        sum += BigInt(got);
        const shown = values(o)['fourlane_packets_total']![0]!;
        assert.equal(shown, Number(sum));
        assert.ok(shown >= before);
        before = shown;
      }
    }),
  );
});

test('series that are kept stand with their values and rows; others go as ever', () => {
  const o = new Output();
  const first = (s: Samples) => {
    s.counter(C, ['1'], 10);
    s.gauge(G, ['a'], 1);
  };
  o.take((s) => {
    assert.equal(s.keep([C]), false, 'nothing yet');
    first(s);
  });
  const rows = () => o.families().find((f) => f.name === C.name)!.rows;
  const before = rows();
  o.take((s) => assert.equal(s.keep([C, S]), true));
  assert.equal(rows(), before);
  assert.deepEqual(values(o), { [C.name]: [10], [G.name]: [] });
  o.take((s) => void s.counter(C, ['1'], 25));
  assert.deepEqual(values(o)[C.name], [25], 'counts on from before');
  assert.throws(() =>
    o.take((s) => {
      s.keep([C]);
      throw new Error('midway');
    }),
  );
  o.take((s) => {
    assert.equal(s.keep([C]), false, 'nothing any more');
    first(s);
  });
  assert.deepEqual(values(o)[C.name], [10]);
});
