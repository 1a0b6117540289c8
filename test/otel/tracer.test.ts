import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FinishedSpan } from '../../src/otel/messages.ts';
import { Tracer } from '../../src/otel/tracer.ts';

function stage() {
  const state = { now: 100 };
  const spans: FinishedSpan[] = [];
  const tracer = new Tracer(
    () => state.now,
    () => 1_000_000,
  );
  tracer.sendTo((span) => spans.push(span));
  return { state, spans, tracer };
}

test('off, work is called as it is', () => {
  const tracer = new Tracer(
    () => 0,
    () => 0,
  );
  const result = tracer.span('a', {}, (span) => {
    span.set({ x: 1 });
    span.fail('never told');
    return [span.ids, tracer.fields()];
  });
  assert.deepEqual(result, [undefined, {}]);
});

test('a span has its times, attributes and parent; log lines in it name it', async () => {
  const { state, spans, tracer } = stage();
  const fields = await tracer.span('outer', { attributes: { a: 1 }, startedAt: 90 }, async (span) => {
    state.now = 150;
    tracer.span('inner', {}, () => (state.now = 160));
    await Promise.resolve();
    span.set({ b: true });
    state.now = 200;
    return tracer.fields();
  });
  const [inner, outer] = spans as [FinishedSpan, FinishedSpan];
  assert.deepEqual(fields, { trace_id: outer.traceId, span_id: outer.spanId, trace_flags: '01' });
  assert.match(outer.traceId, /^[0-9a-f]{32}$/);
  assert.match(outer.spanId, /^[0-9a-f]{16}$/);
  assert.deepEqual(
    { ...outer, traceId: '', spanId: '' },
    {
      traceId: '',
      spanId: '',
      name: 'outer',
      startMs: 1_000_090,
      endMs: 1_000_200,
      attributes: { a: 1, b: true },
    },
  );
  assert.deepEqual([inner.traceId, inner.parentId, inner.endMs], [outer.traceId, outer.spanId, 1_000_160]);
});

test('what is thrown, at once or later, is the error of the span and goes on', async () => {
  const { spans, tracer } = stage();
  assert.throws(
    () =>
      tracer.span('a', {}, () => {
        throw new Error('x'.repeat(1000));
      }),
    /^Error: x+$/,
  );
  await assert.rejects(
    tracer.span('b', {}, () => Promise.reject(new Error('later'))),
    /later/,
  );
  assert.deepEqual(
    spans.map((s) => s.error),
    ['x'.repeat(500), 'later'],
  );
});

test('timers set inside a span are not in it once it is over', async () => {
  const { spans, tracer } = stage();
  let late!: Promise<Record<string, string>>;
  tracer.span('a', {}, () => {
    late = new Promise(
      (resolve) => setImmediate(() => tracer.span('b', {}, () => undefined)) && setImmediate(() => resolve(tracer.fields())),
    );
  });
  assert.deepEqual(await late, {});
  assert.equal(spans[1]!.parentId, undefined);
});

test('at most 500 spans in a second are recorded; the rest are counted and their work is done all the same', () => {
  const { state, spans, tracer } = stage();
  let done = 0;
  for (let i = 0; i < 700; i++) tracer.span('a', {}, () => done++);
  assert.deepEqual([done, spans.length, tracer.lost], [700, 500, 200]);
  state.now += 1000;
  tracer.span('a', {}, () => done++);
  assert.deepEqual([spans.length, tracer.lost], [501, 200]);
});
