/** State files of agents before 2026-12 (version 1) are taken up: a recorded one, with what it held. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { verdicts } from '../../src/judge/read.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import type { Topology } from '../../src/model/topology.ts';

const recorded = JSON.parse(readFileSync('test/fixtures/state/judge-v1.json', 'utf8')) as {
  topology: Topology;
  now: number;
  judge: Record<string, unknown>;
  /** subject, NIC, real server, rack, verdict, cause, since. */
  verdicts: readonly (readonly [...words: string[], since: number])[];
};

const present = (state: ReturnType<typeof fromSnapshot>) =>
  verdicts(state).map((v) => [v.subject, v.nic ?? '', v.rs ?? '', v.rack ?? '', v.verdict, v.cause, Math.round(v.since)]);

test('a state file of version 1 gives the verdicts it held, and is saved as version 2 with the same', () => {
  const { topology, now, judge } = recorded;
  assert.equal(judge['v'], 1);
  const state = fromSnapshot(topology, judge, now);
  assert.deepEqual(present(state), recorded.verdicts);
  assert.ok(recorded.verdicts.length >= 9);
  const saved = JSON.parse(JSON.stringify(toSnapshot(state))) as Record<string, unknown>;
  assert.equal(saved['v'], 2);
  assert.deepEqual(present(fromSnapshot(topology, saved, now)), recorded.verdicts);
});

test('a column that a state file does not have yet begins at its first value; the rest is taken up', () => {
  const { topology, now, judge } = recorded;
  const saved = structuredClone(toSnapshot(fromSnapshot(topology, judge, now))) as { nic: Record<string, unknown> };
  delete saved.nic['softFault'];
  assert.deepEqual(present(fromSnapshot(topology, saved, now)), recorded.verdicts);
});
