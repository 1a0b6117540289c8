import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastProbe, pendingText, reportCell, reportStatus } from '../../src/report/report.ts';
import { subjectText } from '../../src/model/subject.ts';
import { renderWhy } from '../../src/cli/why.ts';
import { bySeverity, commandFor, levelOf } from '../../src/report/verdicts.ts';
import { reportWhy } from '../../src/report/why.ts';
import { LOCAL_ERROR, OK, OUTCOMES, QUARANTINED } from '../../src/model/outcome.ts';
import type { Subject, Verdict } from '../../src/model/verdict.ts';
import { fakeView, makePlan, NIC_FAULT, NOW, PATH_FAULT, RS_FAULT, troubledView, WALL } from './fake-view.ts';

test('status: NICs with cells and round trips, members with weights', () => {
  const { nics, services } = reportStatus(troubledView());
  assert.deepEqual(
    nics.map((n) => n.cells),
    [
      { ok: 11, link_fail: 0, service_fail: 1, unknown: 0 },
      { ok: 0, link_fail: 12, service_fail: 0, unknown: 0 },
      { ok: 10, link_fail: 1, service_fail: 1, unknown: 0 },
    ],
  );
  assert.deepEqual(
    nics.map((n) => n.rttSeconds),
    [{ p50: 0.00029, p99: 0.000439 }, null, { p50: 0.000361, p99: 0.000436 }],
  );
  const web = services[0]!;
  assert.deepEqual([web.up, web.enabled, web.total], [true, 11, 12]);
  assert.deepEqual(web.realServers[6], {
    realServer: '10.1.2.13:8080',
    target: '10.1.2.13:8080',
    rack: 'r2',
    state: 'down',
    verdict: 'RS_DOWN',
    cause: 'refused',
    weight: { configured: 100, wanted: 0 },
  });
  assert.deepEqual([services[2]!.name, services[2]!.up], ['api-eth3', false]);
});

test('status: sources that are not switched off, with reason and time of the last data', () => {
  assert.deepEqual(reportStatus(troubledView()).sources, [
    { name: 'dpdk', state: 'data', reason: '', lastData: '2026-01-31T11:59:59.100Z' },
    { name: 'ipvs', state: 'absent', reason: 'the kernel module ip_vs is not loaded', lastData: null },
    {
      name: 'keepalived',
      state: 'failed',
      reason: '/run/keepalived.pid: permission denied',
      lastData: '2026-01-31T11:58:59.000Z',
    },
  ]);
  assert.deepEqual(reportStatus(fakeView({ plan: makePlan(1, 1, 1) })).sources, []);
});

test('status leaves the evidence to why', () => {
  assert.ok(reportStatus(troubledView()).verdicts.every((v) => !('evidence' in v)));
});

test('a cell that was never probed has no outcome, round trip or age', () => {
  const view = fakeView({ plan: makePlan(1, 1, 1) });
  const blank = { link: [0], service: [0], outcome: [OK], cause: [0], rttUs: [0], t: [0] };
  assert.deepEqual(reportCell({ ...view, cells: () => blank }, 0, 0), {
    nic: 'eth2',
    rs: '10.1.1.11:8080',
    state: 'unknown',
    link: 'unknown',
    service: 'unknown',
    outcome: null,
    cause: null,
    rttSeconds: null,
    ageSeconds: null,
  });
});

test('a cell in quarantine is called so', () => {
  const view = fakeView({ plan: makePlan(1, 1, 1) });
  const cells = { ...view.cells(), link: [0], service: [0], outcome: [LOCAL_ERROR], cause: [QUARANTINED], t: [NOW] };
  const cell = reportCell({ ...view, cells: () => cells }, 0, 0);
  assert.deepEqual(
    [cell.state, cell.outcome, cell.cause, lastProbe(cell)],
    ['unknown', 'local_error', 'quarantined', 'quarantined'],
  );
  const usual = reportCell(view, 0, 0);
  assert.deepEqual([usual.cause, lastProbe(usual)], [null, 'ok']);
});

test('every outcome has its name in a cell', () => {
  const view = fakeView({ plan: makePlan(1, 1, 1) });
  const seen = OUTCOMES.map(
    (_, code) => reportCell({ ...view, cells: () => ({ ...view.cells(), outcome: [code], t: [NOW] }) }, 0, 0).outcome,
  );
  assert.deepEqual(seen, [...OUTCOMES]);
});

test('why nic: its own verdict with evidence, its paths, its cells bad first, its changes newest first', () => {
  const why = reportWhy(troubledView(), { nic: 'eth4' });
  assert.deepEqual(
    why.verdicts.map((v) => [v.subject, v.verdict]),
    [
      ['nic', 'OK'],
      ['path', 'PATH'],
    ],
  );
  assert.deepEqual(
    why.cells.slice(0, 3).map((c) => c.state),
    ['link_fail', 'service_fail', 'ok'],
  );
  assert.deepEqual(
    reportWhy(troubledView(), { nic: 'eth3' }).transitions.map((t) => t.verdict),
    ['NIC_FAIL', 'SUSPECT'],
  );
});

test('why rs: all checks of that real server, and its rack', () => {
  const plan = makePlan(2, 2, 1);
  const second = { ...plan.targets[0]!, id: `${plan.targets[0]!.id}#slow`, key: 'slow' };
  const rack: Verdict = { ...RS_FAULT, subject: 'rack', rack: 'r1', verdict: 'RACK_FAULT' };
  delete (rack as { rs?: string }).rs;
  const view = fakeView({ plan: { ...plan, targets: [...plan.targets, second] }, verdicts: [rack] });
  const both = reportWhy(view, { rs: plan.targets[0]!.realServer });
  assert.deepEqual(
    both.verdicts.map((v) => v.rs ?? v.rack),
    ['10.1.1.11:8080', '10.1.1.11:8080#slow', 'r1'],
  );
  assert.equal(both.cellCount, 4);
  assert.equal(reportWhy(view, { rs: second.id }).cellCount, 2);
});

test('why answers about many cells with the worst of them', () => {
  const plan = makePlan(1, 300, 3);
  const why = reportWhy(fakeView({ plan, faults: [{ nic: 0, target: 299, outcome: 4 }] }), { nic: 'eth2' });
  assert.deepEqual([why.cells.length, why.cellCount, why.cells[0]!.rs], [64, 300, plan.targets[299]!.id]);
});

test('an unknown real server is refused with a hint that stays short', () => {
  assert.throws(
    () => reportWhy(fakeView({ plan: makePlan(1, 300, 3) }), { rs: 'x:1' }),
    /no real server "x:1"; this agent has 10\.1\.1\.11:8080, .* and 288 more/,
  );
});

test('verdicts: order, level, subject and first command', () => {
  assert.deepEqual(bySeverity([PATH_FAULT, RS_FAULT, NIC_FAULT]), [NIC_FAULT, RS_FAULT, PATH_FAULT]);
  assert.deepEqual((['OK', 'SUSPECT', 'PATH', 'NIC_FAIL', 'AGENT_STALLED'] as const).map(levelOf), [
    'ok',
    'warn',
    'warn',
    'bad',
    'bad',
  ]);
  const subjects: Subject[] = [
    { subject: 'nic', nic: 'a' },
    { subject: 'rs', rs: 'b:1' },
    { subject: 'path', nic: 'a', rs: 'b:1' },
    { subject: 'rack', rack: 'r' },
    { subject: 'agent' },
  ];
  assert.deepEqual(subjects.map(subjectText), ['a', 'b:1', 'a → b:1', 'rack r', 'this agent']);
  assert.deepEqual(subjects.map(commandFor), [
    'fourlane why nic a',
    'fourlane why rs b:1',
    'fourlane why rs b:1',
    'fourlane status',
    'fourlane status',
  ]);
});

test('status: what is wanted and not in place, with since when and why', () => {
  const { pending } = reportStatus(troubledView());
  assert.equal(pending.total, 3);
  assert.deepEqual(pending.longest.map(pendingText), [
    'NIC eth3: failed, in place ok',
    'real server 10.1.2.13:8080 of web: weight 0, in place weight 100',
  ]);
  assert.deepEqual(
    [pending.longest[0]!.since, pending.longest[0]!.forSeconds, pending.longest[0]!.failures],
    ['2026-01-31T11:55:48.000Z', 252, 8],
  );
  assert.deepEqual(reportStatus(fakeView()).pending, { total: 0, failing: 0, longest: [] });
});

test('why shows what was found of a real server and of services that have it, and of a NIC nothing', () => {
  const plan = makePlan(2, 3, 1);
  const finding = { finding: 'ADDRESS_LOST', service: 'web', found: 'P2: lost', since: WALL };
  const findings = () => [
    { ...finding, realServer: plan.targets[0]!.realServer },
    { ...finding, realServer: plan.targets[1]!.realServer },
    { ...finding, realServer: '', found: 'P3: lost' },
    { ...finding, realServer: '', service: 'another' },
  ];
  const view = fakeView({ plan, over: { findings } });
  const why = reportWhy(view, { rs: plan.targets[0]!.realServer });
  assert.deepEqual(
    why.findings.map(({ found, since }) => [found, since]),
    [
      ['P2: lost', '2026-01-31T12:00:00.000Z'],
      ['P3: lost', '2026-01-31T12:00:00.000Z'],
    ],
  );
  assert.match(
    renderWhy(why),
    /Findings, which never act:\n {2}ADDRESS_LOST in service web since 2026-01-31T12:00:00\.000Z\n {4}P2: lost\n/,
  );
  assert.deepEqual(reportWhy(view, { nic: 'eth2' }).findings, []);
});
