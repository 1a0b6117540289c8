/** What a data plane shows of a NIC: links, numbers, and the sentences made of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, judge } from '../../src/judge/judge.ts';
import { why } from '../../src/judge/read.ts';
import { reasonFor } from '../../src/judge/reason.ts';
import { newBatch } from '../../src/model/facts.ts';
import { topology } from './world.ts';

test('R2: the link of a data-plane port is named as what it is, with the kernel beside it', () => {
  const shape = topology({ nics: 2, servers: 6 });
  const nics = shape.nics.map((nic, i) => ({ ...nic, port: `bond${i}` }));
  const state = initial({ ...shape, nics }, 0);
  const down = (sides: object, t: number) =>
    judge(
      state,
      { results: newBatch(1), observations: [{ kind: 'link', t, measuredAt: t, nic: 0, carrier: 0, ...sides }] },
      t + 60,
    );
  down({ port: 0, kernel: 1 }, 1000);
  const reason = (name: string) => why(state, { subject: 'nic', nic: name })!.reason;
  assert.equal(reason('eth0'), "bond0, the data-plane port behind eth0, has no link; the kernel's interface is up.");
  assert.deepEqual(why(state, { subject: 'nic', nic: 'eth0' })!.evidence.links, {
    port: 'bond0',
    portLink: 'down',
    kernelLink: 'up',
  });
  down({ port: 0, kernel: 0 }, 2000);
  assert.match(reason('eth0'), /the kernel's interface is down\.$/);
  down({ port: 1, kernel: 0 }, 3000);
  assert.equal(reason('eth0'), 'eth0 has no carrier or is down.');
});

test('R11: the sentence about a data plane has the numbers it rests on, and why has them with their age', () => {
  const facts = (nic: number, ratio: number, t: number) =>
    ({ kind: 'dataplane', t, measuredAt: t, nic, rxPps: 1000 + nic, txPps: 900, answeredRatio: ratio }) as const;
  const state = initial(topology({ nics: 2, servers: 6 }), 0);
  judge(state, { results: newBatch(1), observations: [facts(0, 0.3, 500), facts(1, 0.97, 500)] }, 1000);
  const { numbers } = why(state, { subject: 'nic', nic: 'eth0' })!.evidence;
  assert.deepEqual([numbers['answered_ratio'], numbers['answered_ratio_others'], numbers['fact_age_s']], [0.3, 0.97, 0.5]);
  judge(state, { results: newBatch(1), observations: [] }, 31_000);
  const later = why(state, { subject: 'nic', nic: 'eth0' })!.evidence.numbers;
  assert.deepEqual(
    [later['answered_ratio'], later['rx_pps'], later['fact_age_s']],
    [0.3, 1000, 30.5],
    'held, and not fresh any more',
  );
  const evidence = { ...why(state, { subject: 'nic', nic: 'eth0' })!.evidence, numbers };
  assert.equal(
    reasonFor({ subject: 'nic', nic: 'eth0' }, 'DATA_PATH_FAULT', 'none', evidence),
    'Probes through eth0 are good but connections through its data plane are not established (30 % of new connections can have ' +
      'been answered, 97 % through other NICs; packets in 1000/s, usually 1000; out 900/s, usually 900).',
  );
});
