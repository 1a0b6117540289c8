import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../src/act/actuator.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { VerdictSpans } from '../../src/daemon/spans.ts';
import type { Action, Transition } from '../../src/model/verdict.ts';
import type { FinishedSpan } from '../../src/otel/messages.ts';
import { Tracer } from '../../src/otel/tracer.ts';

function stage() {
  const spans: FinishedSpan[] = [];
  const clock = () => 1000;
  const tracer = new Tracer(clock, () => 0);
  tracer.sendTo((span) => spans.push(span));
  return { spans, tracer, told: new VerdictSpans(tracer, clock) };
}

const transition = (over: Partial<Transition>): Transition => ({
  subject: 'nic',
  verdict: 'NIC_FAIL',
  cause: 'link',
  previous: 'OK',
  since: 900,
  t: 990,
  reason: 'because',
  evidence: { rule: 'R3', witnesses: 4, failing: 4, anchors: [], cells: [], numbers: {} },
  actions: [],
  blocked: [],
  ...over,
});
const report = (effect: Partial<Effect>, over: Partial<ActionReport> = {}): ActionReport => ({
  known: false,
  effect: {
    key: 'k',
    spec: { type: 'exec' },
    kind: 'nic',
    cluster: 'c',
    server: 's',
    state: 'failed',
    verdict: 'NIC_FAIL',
    cause: 'link',
    reason: 'because',
    ...effect,
  },
  result: 'ok',
  durationMs: 7,
  failures: 0,
  error: '',
  drift: false,
  ...over,
});
const quiet = () => undefined;

test('an action of any kind is a child of the verdict that asked for it', () => {
  const { spans, told } = stage();
  const set = (rs: string): Action => ({ action: 'set_real_server', service: 'web', rs, weight: 0 });
  told.verdict(transition({ nic: 'eth2' }), quiet);
  told.verdict(transition({ subject: 'rs', rs: '10.1.0.1:80#web', verdict: 'RS_DOWN' }), quiet);
  told.verdict(transition({ subject: 'rack', rack: 'r7', verdict: 'RACK_FAULT', actions: [set('10.1.0.2:80')] }), quiet);
  const path: Action = { action: 'disable_path', service: 'web', nic: 'eth3', rs: '10.1.0.3:80' };
  told.verdict(transition({ subject: 'path', nic: 'eth3', rs: '10.1.0.3:80', verdict: 'PATH', actions: [path] }), quiet);
  told.verdict(transition({ subject: 'agent', verdict: 'AGENT_ISOLATED' }), quiet);
  const verdicts = spans.splice(0);
  const parents: [Partial<Effect>, number | undefined][] = [
    [{ kind: 'nic', nic: 'eth2' }, 0],
    [{ kind: 'slice', nic: 'eth2', service: 'web' }, 0],
    [{ kind: 'realServer', service: 'web', realServer: '10.1.0.1:80' }, 1],
    [{ kind: 'realServer', service: 'web', realServer: '10.1.0.2:80' }, 2],
    [{ kind: 'path', service: 'web', nic: 'eth3', realServer: '10.1.0.3:80' }, 3],
    [{ kind: 'nic', nic: 'eth9' }, undefined],
  ];
  for (const [effect, parent] of parents) {
    told.action(report(effect), quiet);
    const span = spans.pop()!;
    assert.equal(span.parentId, parent === undefined ? undefined : verdicts[parent]!.spanId, JSON.stringify(effect));
    assert.equal(span.traceId === verdicts[parent ?? 0]!.traceId, parent !== undefined);
    assert.deepEqual([span.name, span.startMs, span.endMs], ['action exec', 993, 1000]);
  }
  assert.deepEqual(
    verdicts.map((s) => [s.name, s.startMs]),
    ['NIC_FAIL', 'RS_DOWN', 'RACK_FAULT', 'PATH', 'AGENT_ISOLATED'].map((v) => [`verdict ${v}`, 990]),
  );
  assert.equal(verdicts[0]!.attributes['fourlane.rule'], 'R3');
  assert.ok(!('fourlane.real_server' in verdicts[0]!.attributes));
});

test('a failed action is a failed span, and what is told is told inside it', () => {
  const { spans, tracer, told } = stage();
  let fields = {};
  told.action(
    report({ nic: 'eth2' }, { result: 'failed', error: 'exited with 3', failures: 2 }),
    () => (fields = tracer.fields()),
  );
  const [span] = spans as [FinishedSpan];
  assert.equal(span.error, 'exited with 3');
  assert.deepEqual(fields, { trace_id: span.traceId, span_id: span.spanId, trace_flags: '01' });
});

test('of old verdicts the oldest are forgotten', () => {
  const { spans, told } = stage();
  const actions = Array.from({ length: 5000 }, (_, i): Action => ({ action: 'disable_nic', nic: `n${i}` }));
  told.verdict(transition({ nic: 'first', actions }), quiet);
  spans.length = 0;
  told.action(report({ nic: 'first' }), quiet);
  told.action(report({ nic: 'n4095' }), quiet);
  assert.deepEqual(
    spans.map((s) => s.parentId !== undefined),
    [false, true],
  );
});
