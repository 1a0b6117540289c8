import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../src/lab/evaluate.ts';
import { account, pageLines, phases, traffic, unpeaceful } from '../../src/lab/tell.ts';

const tally = (ok: number, failed = 0) => ({ sent: ok + failed, ok, failed, pending: 0, errors: {} });

test('traffic says failures only where there are some', () => {
  assert.equal(traffic({ web1: tally(100), all: tally(98, 2) }), 'web1 100 ok · all 98 ok 2 FAILED');
});

test('the table of phases is aligned and says who may notice', () => {
  const text = phases(
    {
      before: { web1: tally(60), web2: tally(60) },
      during: { web1: tally(0, 90), web2: tally(90) },
      after: { web1: tally(60), web2: tally(60) },
    },
    ['web1'],
  );
  assert.deepEqual(text.split('\n'), [
    'service  before           during           after',
    'web1     60 ok, 0 failed  0 ok, 90 failed  60 ok, 0 failed  touched by the fault',
    'web2     60 ok, 0 failed  90 ok, 0 failed  60 ok, 0 failed  must not notice',
  ]);
});

test('what failed in peace is named: when, who, of how many, by what', () => {
  const good = { web1: tally(60), all: tally(60) };
  assert.deepEqual(unpeaceful({ before: good, during: { web1: tally(0, 60) }, after: good }), []);
  const before = { ...good, all: { ...tally(58, 3), errors: { timeout: 2, ECONNRESET: 1 } } };
  assert.deepEqual(unpeaceful({ before, during: {}, after: { ...good, web1: tally(0) } }), [
    'PROBLEM   before the fault: all 3 of 61 failed (timeout 2, ECONNRESET 1)',
    'PROBLEM   after its repair: web1 was not answered once',
  ]);
});

test('the account names verdict, cause, actions, recovery and each problem', () => {
  const row: Row = {
    fault: 'link-cut',
    title: 'carrier lost',
    verdicts: ['NIC_FAIL(eth1)'],
    causes: ['carrier'],
    verdictMs: 60,
    actionMs: 70,
    actions: ['slice web1 eth1 off'],
    othersFailed: 0,
    touchedFailed: 3,
    wrongActions: [],
    problems: ['it rained'],
    recoveryMs: 4000,
  };
  assert.equal(
    account(row),
    [
      'verdict   NIC_FAIL(eth1) (carrier) after 60 ms',
      'actions   slice web1 eth1 off after 70 ms',
      'wrong     0 actions; 0 failed requests on slices that the fault does not touch',
      'recovery  everything enabled again 4000 ms after the repair',
      'PROBLEM   it rained',
    ].join('\n'),
  );
  assert.match(
    account({ ...row, verdicts: [], causes: [], verdictMs: undefined, actions: [], actionMs: undefined }),
    /verdict   none\nactions   none\n/,
  );
});

test('pages: what, first command, resolution; no heartbeats', () => {
  const alert = (status: 'firing' | 'resolved') => ({
    status,
    labels: { alertname: 'FourlaneNicFault' },
    annotations: { description: 'NIC eth1 failed.', command: 'ethtool eth1' },
    startsAt: '',
  });
  assert.deepEqual(
    pageLines([
      { t: 1, to: 'heartbeat', status: 'firing', alerts: [alert('firing')] },
      { t: 2, to: 'page', status: 'firing', alerts: [alert('firing'), alert('resolved')] },
      { t: 3, to: 'page', status: 'resolved', alerts: [alert('resolved')] },
    ]),
    ['PAGE FourlaneNicFault: NIC eth1 failed.\n     first: ethtool eth1', 'PAGE RESOLVED FourlaneNicFault'],
  );
});
