import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dpvs } from '../../src/collect/dpvs.ts';
import type { CoreReading, DpvsData, PortReading } from '../../src/collect/dpvs/data.ts';
import { controlPaths, decodeKniList, encodeKniList } from '../../src/collect/dpvs/kni.ts';
import { DecodeError } from '../../src/collect/dpvs/wire.ts';
import { Output } from '../../src/collect/output.ts';
import { dataOf, ONE_HOST, replay, serve, values } from './dpvs-fake.ts';

const NICS = [
  { name: 'up1', device: 'dpdk0.kni', dataplane: 'dpdk0' },
  { name: 'up2', device: 'dpdk9.kni', dataplane: 'dpdk9' },
  { name: 'mgmt', device: 'eth0' },
];
const port = (socket: number) => ({ basic: { name: 'dpdk0', socket } }) as unknown as PortReading;
const cores = (...roles: readonly CoreReading['role'][]) => roles.map((role) => ({ role })) as unknown as CoreReading[];
const queues = new Map([
  [1, ['dpdk0:rx0', 'dpdk0:tx0']],
  [2, ['dpdk0:rx1', 'dpdk1:rx0']],
  [3, ['dpdk1:rx1', 'dpdk0:tx1']],
]);
const sockets = new Map([
  [1, 0],
  [2, 1],
  [3, 1],
]);

test('addresses that are steered to the core for KNI; a list that is cut short is refused', () => {
  const request = encodeKniList('dpdk0');
  assert.deepEqual([request.length, request.readUInt32LE(0), request.toString('latin1', 4, 9)], [40, 1, 'dpdk0']);
  const body = Buffer.alloc(4 + 2 * 40);
  body.writeInt32LE(2, 0);
  body.writeInt32LE(2, 4 + 20);
  Buffer.from([192, 0, 2, 9]).copy(body, 4 + 24);
  body.writeInt32LE(10, 44 + 20);
  Buffer.from('20010db8000000000000000000000009', 'hex').copy(body, 44 + 24);
  assert.deepEqual(decodeKniList(body), ['192.0.2.9', '2001:db8::9']);
  assert.throws(() => decodeKniList(body.subarray(0, 60)), DecodeError);
  assert.throws(() => decodeKniList(Buffer.alloc(2)), DecodeError);
});

test('the way of control traffic: for NICs with a port that is there, by core for KNI and flows', () => {
  const state = (roles: CoreReading['role'][], flows?: readonly string[]) =>
    controlPaths(NICS, [port(255)], cores(...roles), {
      queues,
      sockets,
      kniFlows: new Map(flows === undefined ? [] : [['dpdk0', flows]]),
    });
  assert.deepEqual(state(['master', 'worker']), [{ nic: 'up1', state: 'shared' }]);
  assert.deepEqual(state(['master', 'kni', 'worker']), [{ nic: 'up1', state: 'unknown' }]);
  assert.deepEqual(state(['master', 'kni', 'worker'], []), [{ nic: 'up1', state: 'shared' }]);
  assert.deepEqual(state(['master', 'kni', 'worker'], ['192.0.2.9']), [{ nic: 'up1', state: 'isolated' }]);
});

test('cores of another NUMA node that poll the port: those that only send to it, or poll another, are none', () => {
  const astray = (socket: number) =>
    controlPaths(NICS, [port(socket)], cores('worker'), { queues, sockets, kniFlows: new Map() })[0]?.astray;
  assert.deepEqual([astray(0), astray(1)], [[2], [1]]);
});

test('what is published of it: state, drops of the cores for KNI and of helpers, NUMA, ports by core', async (t) => {
  const cleanups: (() => unknown)[] = [];
  t.after(async () => {
    for (const one of cleanups.toReversed()) await one();
  });
  const { source } = await serve(cleanups, replay(ONE_HOST));
  const read = await dataOf(source.read());
  const [first] = read.cores;
  const core = (lcore: number, role: CoreReading['role'], dropped: number): CoreReading => ({
    ...first!,
    role,
    stats: { ...first!.stats, lcore, dropped },
  });
  const pool = { device: 'dpdk0', port: 'dpdk0', free: 1, missed: 0 };
  const data: DpvsData = {
    ...read,
    cores: [core(0, 'master', 1), core(5, 'kni', 7), core(1, 'worker', 2), core(6, 'isolated', 9)],
    paths: [{ nic: 'up1', state: 'isolated', astray: [2] }],
    pools: [
      { ...pool, address: '10.0.0.1', used: 3, core: 1 },
      { ...pool, address: '10.0.0.2', used: 4, core: 2 },
    ],
  };
  const output = new Output();
  output.take((samples) => dpvs.publish(data, samples));
  const shown = (name: string) => Object.fromEntries(Object.entries(values(output, name)).filter(([, value]) => value > 0));
  assert.deepEqual(shown('control_path_state'), { 'dpvs up1 isolated': 1 });
  assert.deepEqual(shown('control_path_dropped_total'), { 'dpvs kni_core 5': 7, 'dpvs isolated_core 6': 9 });
  assert.deepEqual(shown('numa_misplaced'), { 'dpvs up1 cores': 1 });
  assert.deepEqual(shown('snat_core_ports_used'), { 'dpvs dpdk0 10.0.0.1 1': 3, 'dpvs dpdk0 10.0.0.2 2': 4 });
});
