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
