import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exposition } from '../../src/metrics/exposition.ts';
import { ProcessMetrics } from '../../src/metrics/process-metrics.ts';

test("the agent's own metrics, in both formats, time after time", async () => {
  const metrics = new ProcessMetrics();
  await metrics.start();
  try {
    const exposition = new Exposition({ cluster: 'c' });
    for (let i = 0; i < 2; i++) {
      const open = exposition.render(metrics.families(), 'openmetrics').toString();
      const text = exposition.render(metrics.families(), 'text').toString();
      assert.match(open, /^# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds$/m);
      assert.match(text, /^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total\{cluster="c"\} [\d.e-]+$/m);
      assert.match(text, /^process_resident_memory_bytes\{cluster="c"\} \d+$/m);
      assert.doesNotMatch(text, /_total gauge/);
    }
  } finally {
    metrics.stop();
  }
});

test('histograms survive the way from cumulative to per bucket and back', async () => {
  const { Histogram, Registry } = await import('prom-client');
  const { toFamily } = await import('../../src/metrics/process-metrics.ts');
  const registry = new Registry();
  const histogram = new Histogram({
    name: 'h_seconds',
    help: 'h',
    labelNames: ['kind'],
    buckets: [0.1, 1],
    registers: [registry],
  });
  for (const [kind, v] of [
    ['a', 0.05],
    ['a', 0.5],
    ['a', 5],
    ['b', 0.5],
  ] as const)
    histogram.observe({ kind }, v);
  const family = toFamily((await registry.getMetricsAsJSON())[0] as never);
  assert.deepEqual(
    [family.bounds, family.rows, Array.from(family.values as ArrayLike<number>)],
    [
      [0.1, 1],
      [['a'], ['b']],
      [1, 1, 1, 5.55, 0, 1, 0, 0.5],
    ],
  );
  assert.equal(toFamily((await registry.getMetricsAsJSON())[0] as never, family.rows).rows, family.rows);
});
