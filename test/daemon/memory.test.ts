import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VerdictMemory } from '../../src/daemon/memory.ts';
import type { Transition, Verdict, VerdictName } from '../../src/model/verdict.ts';

function transition(nic: string, verdict: VerdictName, failing: number, reason: string): Transition {
  const evidence = { rule: 'R3', witnesses: 16, failing, anchors: [], cells: [], numbers: {} };
  return {
    t: 1,
    previous: 'OK',
    subject: 'nic',
    nic,
    verdict,
    cause: 'link',
    since: 1,
    reason,
    evidence,
    actions: [],
    blocked: [],
  };
}

const now = (failing: number): Verdict => transition('eth1', 'NIC_FAIL', failing, 'what is seen now');

test('a verdict keeps the reason it was given for', () => {
  const memory = new VerdictMemory();
  memory.record([transition('eth1', 'NIC_FAIL', 16, '16 of 16 do not answer.')]);
  assert.equal(memory.explain(now(9)).reason, '16 of 16 do not answer.');
  assert.equal(memory.explain(now(9)).evidence.failing, 16);
});

test('when the fault has healed and the verdict is held, both are said', () => {
  const memory = new VerdictMemory();
  memory.record([transition('eth1', 'NIC_FAIL', 16, '16 of 16 do not answer.')]);
  assert.match(memory.explain(now(0)).reason, /^16 of 16 do not answer\. It answers again now, and is held/);
});

test('nothing answers again while every cell is unknown; of a path, while its own cell is', () => {
  const memory = new VerdictMemory();
  const named = transition('eth1', 'NIC_FAIL', 16, '16 of 16 do not answer.');
  memory.record([named]);
  const blind = { ...now(0), evidence: { ...now(0).evidence, witnesses: 0 } };
  assert.equal(memory.explain(blind).reason, '16 of 16 do not answer.');
  const rs = {
    ...named,
    subject: 'rs',
    rs: '10.1.0.1:80',
    verdict: 'RS_DOWN',
    evidence: { ...named.evidence, failing: 2 },
  } as const;
  memory.record([rs]);
  const seen = (good_nics: number): Verdict => ({ ...rs, evidence: { ...rs.evidence, failing: 0, witnesses: good_nics } });
  assert.equal(memory.explain(seen(0)).reason, rs.reason);
  assert.match(memory.explain(seen(1)).reason, /It answers again now/);
  const path = { ...rs, subject: 'path', verdict: 'PATH' } as const;
  memory.record([path]);
  const cell = (consecutiveBad: number) => ({
    nic: 'eth1',
    rs: path.rs,
    outcome: 'ok',
    t: 1,
    phase: 'none',
    cause: 'none',
    detail: 0,
    rttUs: 0,
    elapsedUs: 0,
    consecutiveBad,
  });
  const through = (bad: number): Verdict => ({ ...path, evidence: { ...seen(1).evidence, cells: [cell(bad)] } });
  assert.equal(memory.explain(through(3)).reason, path.reason, 'the others can use it, this one is not known to');
  assert.match(memory.explain(through(0)).reason, /It answers again now/);
});

test('another verdict, another subject or a recovery is not explained by it', () => {
  const memory = new VerdictMemory();
  memory.record([transition('eth1', 'SUSPECT', 16, 'old')]);
  assert.equal(memory.explain(now(3)).reason, 'what is seen now');
  memory.record([transition('eth1', 'NIC_FAIL', 16, 'named'), transition('eth1', 'OK', 0, 'well')]);
  assert.equal(memory.explain(now(3)).reason, 'what is seen now');
  memory.record([transition('eth2', 'NIC_FAIL', 16, 'other')]);
  assert.equal(memory.explain(now(3)).reason, 'what is seen now');
});

test('it forgets the oldest when a mass failure names thousands', () => {
  const memory = new VerdictMemory();
  memory.record(Array.from({ length: 2500 }, (_, i) => transition(`eth${i}`, 'NIC_FAIL', 1, `named ${i}`)));
  assert.equal(memory.explain({ ...now(1), nic: 'eth0' }).reason, 'what is seen now');
  assert.equal(memory.explain({ ...now(1), nic: 'eth2499' }).reason, 'named 2499');
});
