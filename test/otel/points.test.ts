import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import { type Family, unitOf } from '../../src/model/family.ts';
import { toMetrics } from '../../src/otel/points.ts';
import { FrameReader, FrameWriter } from '../../src/metrics/frames.ts';

const moment = { start: [1, 0] as [number, number], end: [2, 5] as [number, number], labels: { cluster: 'c', server: 's' } };
const family = (over: Partial<Family>): Family => ({
  name: 'fourlane_x',
  help: 'X.',
  type: 'gauge',
  labelNames: ['nic'],
  rows: [['eth2'], ['eth3']],
  values: [1, 2],
  ...over,
});

/** Through both ends, as from thread to thread. */
function metricsOf(...families: Family[]) {
  const memory = new FrameReader();
  const frames = structuredClone(new FrameWriter().take(families));
  return toMetrics(
    frames.map((frame) => ({ frame, rows: memory.of(frame) })),
    moment,
  );
}
const numbers = (families: Family[]) => metricsOf(...families).map((m) => m.dataPoints.map((p) => p.value));

test('gauges, counters and histograms keep name, help, unit, labels and numbers', () => {
  const bounds = [0.1, 1];
  const [gauge, sum, histogram] = metricsOf(
    family({ name: 'fourlane_free_bytes' }),
    family({ name: 'fourlane_wait_seconds_total', type: 'counter' }),
    family({ name: 'fourlane_rtt_seconds', type: 'histogram', rows: [['eth2']], bounds, values: [3, 0, 1, 7.5] }),
  );
  assert.deepEqual(
    [gauge, sum, histogram].map((m) => [m!.descriptor.name, m!.descriptor.unit, m!.dataPointType]),
    [
      ['fourlane_free_bytes', 'By', DataPointType.GAUGE],
      ['fourlane_wait_seconds_total', 's', DataPointType.SUM],
      ['fourlane_rtt_seconds', 's', DataPointType.HISTOGRAM],
    ],
  );
  const [point] = gauge!.dataPoints;
  assert.deepEqual(
    [point!.attributes, point!.startTime, point!.endTime, point!.value],
    [{ cluster: 'c', server: 's', nic: 'eth2' }, [1, 0], [2, 5], 1],
  );
  assert.deepEqual(histogram!.dataPoints[0]!.value, { buckets: { boundaries: bounds, counts: [3, 0, 1] }, sum: 7.5, count: 4 });
});

test('64-bit counters are exact; one that no signed integer holds is a double', () => {
  const exact = family({ type: 'counter', rows: [['a']], values: BigUint64Array.of(2n ** 53n + 1n) });
  assert.deepEqual(numbers([exact]), [['9007199254740993']]);
  const huge = family({ type: 'counter', values: BigUint64Array.of(2n ** 64n - 1n, 1n) });
  assert.deepEqual(numbers([huge]), [[2 ** 64, 1]]);
  // One family has one type of number, however many parts it has.
  assert.deepEqual(numbers([exact, family({ type: 'counter', rows: [['b']], values: [3] })]), [[2 ** 53, 3]]);
});

test('series without a value are left out, and families without series', () => {
  const holes = family({ type: 'histogram', bounds: [1], values: [1, 2, 3, NaN, 0, 0] });
  assert.deepEqual(
    numbers([family({ values: [NaN, 4] }), family({ name: 'b', rows: [] }), family({ name: 'c', values: [NaN, NaN] })]),
    [[4]],
  );
  assert.equal(metricsOf(holes)[0]!.dataPoints.length, 1);
});

test('rows travel once as long as every frame has them; values are of the moment they were taken', () => {
  const snapshots = new FrameWriter();
  const memory = new FrameReader();
  const rows = [['eth2']];
  const values = Float64Array.of(1);
  const [a, b] = snapshots.take([family({ rows, values }), family({ name: 'fourlane_y', rows, values })]);
  values[0] = 9;
  assert.deepEqual([a!.rows, b!.rows, a!.values[0], a!.rowsId === b!.rowsId], [rows, undefined, 1, true]);
  const read = (frame: typeof a) => memory.of(frame!);
  assert.deepEqual([read(a), read(b)], [rows, rows]);
  memory.endOfFrame();
  const [again] = snapshots.take([family({ rows, values })]);
  assert.deepEqual([again!.rows, read(again)], [undefined, rows]);
  memory.endOfFrame();
  assert.deepEqual(snapshots.take([]), []);
  memory.endOfFrame();
  assert.throws(() => memory.of(again!), /rows 0 were never sent/);
  assert.deepEqual(snapshots.take([family({ rows, values })])[0]!.rows, rows);
  snapshots.forget();
  assert.deepEqual(snapshots.take([family({ rows, values })])[0]!.rows, rows);
});

test('units follow from names', () => {
  assert.deepEqual(['a_seconds', 'a_bytes_total', 'a_ratio', 'a_total', 'seconds'].map(unitOf), [
    'seconds',
    'bytes',
    'ratio',
    undefined,
    undefined,
  ]);
});
