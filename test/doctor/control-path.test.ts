import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '../../src/collect/collector.ts';
import { controlPath } from '../../src/doctor/checks/control-path.ts';
import { type Machine, plan, run } from './fake-host.ts';

const NICS = [
  { name: 'up1', device: 'eth2' },
  { name: 'up2', device: 'dpdk0.kni', dataplane: 'dpdk0' },
];
const uplinks = { bgp: { uplinks: [{ nic: 'up1', peer: '192.0.2.1' }] } };
const data = (value: unknown): Reading<unknown> => ({ state: 'data', data: value });
const kernel = (parts: Readonly<Record<string, readonly object[]>>) =>
  data(new Map(Object.entries(parts).map(([name, list]) => [name, data(list)])));
const steering = (more: object) => ({ nic: 'up1', device: 'eth2', queues: [], count: 8, table: [0], rules: [], ...more });

async function found(machine: Machine['readings'], config: object = uplinks): Promise<string[]> {
  const findings = await run(controlPath, { readings: machine ?? {} }, { config: plan({ nics: NICS, ...config }) });
  return findings.map(({ outcome, subject, message, fix }) => [outcome, subject, message, fix].filter(Boolean).join(' | '));
}

test('shared queues: a warning with the commands, where there are sessions', async () => {
  const control = kernel({ steering: [steering({ state: 'shared' })] });
  assert.deepEqual(await found({ control }), [
    'warn | up1 | control traffic is spread over the queues of all traffic: under load BGP and BFD are dropped with the rest | ' +
      'ethtool -X eth2 equal 7 && ethtool -N eth2 flow-type tcp4 dst-port 179 action 7 && ' +
      'ethtool -N eth2 flow-type tcp4 src-port 179 action 7 && ethtool -N eth2 flow-type udp4 dst-port 3784 action 7',
  ]);
  assert.match((await found({ control }, {}))[0]!, /^ok \| up1/);
});

test('a queue of its own is ok; a driver without rules is no warning; one that shows nothing is skipped', async () => {
  const one = async (more: object) => (await found({ control: kernel({ steering: [steering(more)] }) }))[0]!;
  const own = 'ok | up1 | control traffic has a receive queue of its own (queue 7)';
  assert.equal(await one({ state: 'isolated', queues: [7] }), own);
  const without = await one({ state: 'shared', rules: undefined });
  assert.match(without, /^ok \| up1 \| control traffic is spread .*; its driver has no rules$/);
  assert.match(await one({ state: 'unknown', count: undefined, rules: undefined }), /^skipped \| up1/);
});

test('NUMA: interrupts and memory of another node, cores of DPVS', async () => {
  const node = { nic: 'up1', device: 'eth2', node: 1, memory: true };
  const astray = [{ irq: 41, cpus: '0-3' }];
  const other = { ...node, device: 'eth3', memory: false, astray: [] };
  const control = kernel({ numa: [{ ...node, astray }, other] });
  const dpvs = data({ paths: [{ nic: 'up2', state: 'isolated', astray: [3, 4] }] });
  const lines = await found({ control, dpvs });
  assert.deepEqual(
    lines.map((line) => line.split(' | ').slice(0, 3).join(' | ')),
    [
      'warn | up1 | eth2 is on NUMA node 1, its interrupts 41 (CPU 0-3) are not',
      'warn | up1 | eth3 is on NUMA node 1, which has no memory',
      'ok | up2 | control traffic has a receive queue of its own',
      'warn | up2 | cores 3, 4 of DPVS poll its port from another NUMA node',
    ],
  );
});

test('nothing to read, or nothing to look at: skipped', async () => {
  assert.match((await found({ control: { state: 'absent', reason: 'x' } }))[0]!, /^skipped \| neither queues nor NUMA/);
  assert.deepEqual(
    (await run(controlPath, {})).map(({ outcome }) => outcome),
    ['skipped'],
  );
});
