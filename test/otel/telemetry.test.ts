/** The exporting thread with OpenTelemetry in it, against a real HTTP receiver. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exposition } from '../../src/metrics/exposition.ts';
import { until } from '../system/harness.ts';
import { asSamples, parseSamples, Receiver } from './receiver.ts';
import { FAMILIES, LABELS, settings, stage } from './stage.ts';

test('off: nothing is counted, nothing runs', async () => {
  const { telemetry, lines } = stage();
  telemetry.follow(undefined);
  assert.deepEqual([telemetry.families(), lines], [[], []]);
  await telemetry.stop();
});

test('what arrives is what /metrics shows, to the last digit, and spans as they were; at the end the rest is sent', async () => {
  const collector = await Receiver.start();
  const { telemetry, lines, count } = stage();
  const wanted = settings(collector.url, { interval: 5000, timeout: 5000 });
  telemetry.follow(wanted);
  telemetry.follow({ ...wanted });
  telemetry.tracer.span('outer', { attributes: { text: 'x', number: 1.5, yes: true } }, () =>
    telemetry.tracer.span('inner', {}, (span) => span.fail('broken')),
  );
  const shown = parseSamples(new Exposition(LABELS).render(FAMILIES, 'text').toString());
  const complete = () => [...collector.moments.values()].find((m) => asSamples(m).size === shown.size);
  const moment = await until('a push', 30_000, complete);
  assert.deepEqual(asSamples(moment), shown);
  assert.equal(
    shown.get('fourlane_received_bytes_total[["cluster","edge-1"],["nic","eth2"],["server","lb-01"]]'),
    '9007199254740993',
  );
  assert.equal(moment.filter((m) => m.name === 'fourlane_many').length, 3, 'in requests of 4000 points');
  telemetry.tracer.span('last', {}, () => undefined);
  await telemetry.stop();

  assert.deepEqual(
    collector.spans.map((s) => s.name),
    ['inner', 'outer', 'last'],
  );
  const [inner, outer] = collector.spans;
  assert.equal(inner!.parentSpanId, outer!.spanId);
  assert.deepEqual(inner!.status, { code: 2, message: 'broken' });
  assert.deepEqual(outer!.attributes, { text: 'x', number: '1.5', yes: 'true' });
  assert.equal(collector.resources[0]!['service.version'], '1.2.3');
  assert.deepEqual(collector.errors, []);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.equal(count('fourlane_otlp_lost_total', 'metrics'), 0);
  assert.equal(
    count('fourlane_otlp_requests_total', 'traces', 'sent'),
    collector.requests.filter((r) => r.url === '/v1/traces').length,
  );
  await collector.close();
});

test('families that throw cost that moment only', async () => {
  const collector = await Receiver.start();
  let times = 0;
  const { telemetry, lines } = stage(() => {
    if (times++ === 0) throw new Error('a bug');
    return FAMILIES.slice(0, 3);
  });
  telemetry.follow(settings(collector.url));
  await until('the next moment', 30_000, () => collector.moments.size > 0);
  assert.match(lines[1]!, /^warn OpenTelemetry: metrics not exported: no families: Error: a bug/);
  await telemetry.stop();
  assert.deepEqual(collector.errors, []);
  await collector.close();
});

test('a thread that ends is told of, and the spans it had not taken are counted', async () => {
  const { telemetry, lines, count } = stage();
  telemetry.follow(settings('http://127.0.0.1:9', { timeout: Number.NaN }));
  telemetry.tracer.span('a', {}, () => undefined);
  await until('it is told', 30_000, () => lines.some((l) => /thread not exported: the exporting thread ended: /.test(l)));
  await until('it is counted', 30_000, () => count('fourlane_otlp_lost_total', 'traces') === 1);
  await telemetry.stop();
});
