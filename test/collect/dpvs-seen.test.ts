import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localsSeen, workersSeen } from '../../src/collect/dpvs/seen.ts';
import type { DpvsData } from '../../src/collect/dpvs/data.ts';

const entry = (address: string, lcore: number, pool = true) =>
  ({
    address,
    lcore,
    device: 'dpdk0',
    pool: pool ? { used: 0, free: 9, missed: 0 } : undefined,
  }) as unknown as DpvsData['addresses'][number];
const data = (addresses: DpvsData['addresses'], ...locals: readonly string[]) => ({
  addresses,
  details: {
    local: [{ service: '10.0.0.1:80/tcp', addresses: locals.map((address) => ({ address })) }],
  } as unknown as DpvsData['details'],
});

test('addresses of several cores have one each; those of one are shared by all', () => {
  const own = localsSeen(data([entry('10.0.0.48', 1), entry('10.0.0.49', 2)], '10.0.0.48', '10.0.0.49'));
  assert.deepEqual(
    own.map(({ address, core, services }) => [address, core, services]),
    [
      ['10.0.0.48', 1, 1],
      ['10.0.0.49', 2, 1],
    ],
  );
  const shared = localsSeen(data([entry('10.0.0.48', 0), entry('10.0.0.49', 0)], '10.0.0.48'));
  assert.deepEqual(
    shared.map(({ core, services }) => [core, services]),
    [
      [undefined, 1],
      [undefined, 0],
    ],
  );
});

test('an address without a pool counts when a service has it; a VIP does not', () => {
  const found = localsSeen(data([entry('10.0.0.1', 0, false), entry('10.0.0.48', 0, false)], '10.0.0.48'));
  assert.deepEqual(found, [{ address: '10.0.0.48', pool: false, services: 1 }]);
});

test('workers are the cores that forward', () => {
  const cores = [
    { role: 'master', stats: { lcore: 0 } },
    { role: 'worker', stats: { lcore: 3 } },
  ] as unknown as DpvsData['cores'];
  assert.deepEqual(workersSeen({ cores }), [3]);
});
