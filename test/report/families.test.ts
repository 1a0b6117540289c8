import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Exposition } from '../../src/metrics/exposition.ts';
import { JudgeFamilies } from '../../src/report/families.ts';
import type { Family } from '../../src/model/family.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { fakeView, makePlan, NIC_FAULT, RS_FAULT, troubledView } from './fake-view.ts';

/** Series of one family as `label,label` → value; NaN is left out. */
function series(families: readonly Family[], name: string): Record<string, number> {
  const family = families.find((f) => f.name === `fourlane_${name}`);
  assert.ok(family, `there is no family ${name}`);
  assert.equal(family.values.length, family.rows.length, `${name}: as many values as rows`);
  return Object.fromEntries(
    family.rows.map((row, i) => [row.join(','), Number(family.values[i])]).filter(([, v]) => !Number.isNaN(v)),
  );
}

const holding = (all: Record<string, number>) => Object.keys(all).filter((k) => all[k] !== 0);

for (const format of ['text', 'openmetrics'] as const) {
  test(`golden: the whole ${format} of a troubled agent`, () => {
    const body = new Exposition({ cluster: 'edge-1', server: 'lb-01' }).render(
      new JudgeFamilies(troubledView()).families(),
      format,
    );
    const text = body.toString().replace(process.version, 'v24.0.0');
    const file = new URL(`../fixtures/metrics/troubled.${format}.txt`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}

test('one verdict holds for each NIC; a pair the table lacks gets its own series', () => {
  const odd: Verdict = { ...NIC_FAULT, verdict: 'SUSPECT', cause: 'l7' };
  const families = new JudgeFamilies(fakeView({ verdicts: [odd, { ...NIC_FAULT, nic: 'eth2' }] })).families();
  assert.deepEqual(holding(series(families, 'nic_verdict')), ['eth2,NIC_FAIL,link', 'eth3,SUSPECT,l7', 'eth4,OK,none']);
});

test('a real server judged down but in service is held, and its service says so', () => {
  const view = fakeView({ verdicts: [RS_FAULT] });
  const wanted = view.wanted();
  wanted.weight[0]!.fill(1);
  const families = new JudgeFamilies({ ...view, wanted: () => ({ ...wanted, panic: Uint8Array.of(1, 0, 0, 0) }) }).families();
  const states = series(families, 'service_real_servers');
  assert.deepEqual([states['web,up'], states['web,down'], states['web,held']], [11, 0, 1]);
  assert.deepEqual([states['api-eth2,up'], states['api-eth2,down'], states['api-eth2,held']], [7, 1, 0]);
  assert.deepEqual(holding(series(families, 'service_panic')), ['web']);
});

test('a service is down without a slice, and without a real server that is up', () => {
  const plan = makePlan(2, 1, 1);
  const down: Verdict = { ...RS_FAULT, rs: plan.targets[0]!.id };
  const dead = new JudgeFamilies(fakeView({ plan, verdicts: [down] })).families();
  assert.deepEqual(holding(series(dead, 'service_up')), []);
  const cut = new JudgeFamilies(fakeView({ plan, verdicts: [{ ...NIC_FAULT, nic: 'eth2' }] })).families();
  assert.deepEqual(holding(series(cut, 'service_up')), ['web', 'api-eth3']);
  assert.deepEqual(holding(series(cut, 'service_slice_enabled')), ['web,eth3', 'api-eth3,eth3']);
});

test('a slice whose paths are all disabled is not enabled', () => {
  const view = fakeView({ plan: makePlan(2, 2, 1) });
  view.wanted().path[0]!.fill(0, 0, 2);
  assert.deepEqual(holding(series(new JudgeFamilies(view).families(), 'service_slice_enabled')), [
    'web,eth3',
    'api-eth2,eth2',
    'api-eth3,eth3',
  ]);
});

test('a weight of a tenth shows as a tenth', () => {
  const view = fakeView({ plan: makePlan(1, 1, 1) });
  view.wanted().weight[0]![0] = 0.1;
  assert.equal(series(new JudgeFamilies(view).families(), 'real_server_weight')['web,10.1.1.11:8080,wanted'], 10);
});

test('unknown carrier is no series, and the agent has one state at a time', () => {
  const view = fakeView({
    over: {
      nics: () => [
        { carrier: -1, carrierChanges: 4 },
        { carrier: 0, carrierChanges: 1 },
        { carrier: 1, carrierChanges: 0 },
      ],
    },
  });
  const families = new JudgeFamilies(view).families();
  assert.deepEqual(series(families, 'nic_carrier'), { eth3: 0, eth4: 1 });
  assert.deepEqual(holding(series(families, 'agent_state')), ['ok']);
  for (const [frozen, state] of [
    ['ALL_RS_DOWN', 'all_rs_down'],
    ['AGENT_ISOLATED', 'isolated'],
    ['AGENT_STALLED', 'stalled'],
  ] as const) {
    const frozenView = { ...view, wanted: () => ({ ...view.wanted(), frozen }) };
    assert.deepEqual(holding(series(new JudgeFamilies(frozenView).families(), 'agent_state')), [state]);
  }
  assert.deepEqual(holding(series(new JudgeFamilies({ ...view, phase: () => 'stopping' }).families(), 'agent_state')), [
    'stopping',
  ]);
});

test('rows stay the same objects while nothing but numbers changes', () => {
  const source = new JudgeFamilies(troubledView());
  const [before, after] = [source.families(), source.families()];
  const remade = after.filter((f, i) => f.rows !== before[i]!.rows).map((f) => f.name);
  assert.deepEqual(remade, []);
});

test('a new plan gets new rows', () => {
  let plan = makePlan(1, 1, 1);
  const view = () => fakeView({ plan });
  const source = new JudgeFamilies({
    ...view(),
    plan: () => plan,
    cells: () => view().cells(),
    nics: () => view().nics(),
    wanted: () => view().wanted(),
  });
  source.families();
  plan = makePlan(2, 3, 1);
  assert.deepEqual(Object.keys(series(source.families(), 'nic_up')), ['eth2', 'eth3']);
  assert.equal(Object.keys(series(source.families(), 'real_server_up')).length, 3 + 2 + 2);
});

test('a flapping NIC is out; a flapping real server is up', () => {
  const view = fakeView({
    verdicts: [
      { ...NIC_FAULT, verdict: 'FLAPPING' },
      { ...RS_FAULT, verdict: 'FLAPPING', cause: 'none' },
    ],
  });
  const families = new JudgeFamilies(view).families();
  assert.deepEqual(holding(series(families, 'nic_up')), ['eth2', 'eth4']);
  assert.equal(series(families, 'real_server_up')['web,10.1.2.13:8080,r2'], 1);
  assert.deepEqual(holding(series(families, 'real_server_verdict'))[0], 'web,10.1.2.13:8080,r2,FLAPPING,none');
});
