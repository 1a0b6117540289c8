/** One reading of every collector, from recordings: what a host with every source would read. */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { Reading } from '../../src/collect/collector.ts';
import { dpdk } from '../../src/collect/dpdk.ts';
import { logqueue } from '../../src/collect/logqueue.ts';
import { recorded as bgp } from './bgp-recorded.ts';
import { driver, flow4, Machine, queues } from './control.machine.ts';
import { Collecting, FakeProcess, runtimeDirectory } from './dpdk.fake.ts';
import { withSync } from './dpdk-sync.fake.ts';
import { dataOf, ONE_HOST, replay, serve } from './dpvs-fake.ts';
import { recorded as ipvs } from './ipvs.recorded.ts';
import { recorded as keepalived } from './keepalived.recorded.ts';
import { Tree } from './nic.tree.ts';
import { recorded as passthrough } from './passthrough.recorded.ts';
import { recorded as sync } from './sync.recorded.ts';

function data(reading: Reading<unknown>): unknown {
  if (reading.state !== 'data') throw new Error(`${reading.state}: ${reading.reason}`);
  return reading.data;
}

/** Data by collector, for `publish`. */
export async function recordedHost(): Promise<ReadonlyMap<string, unknown>> {
  const run = runtimeDirectory();
  const processes = [
    new FakeProcess(run.path, 'testpmd', 'testpmd-25.11'),
    new FakeProcess(run.path, 'lcorelat', 'lcorelat-25.11'),
    new FakeProcess(run.path, 'logger', 'lcorelat-log-25.11'),
  ];
  withSync(processes[1]!);
  const file = `${run.path}/dpvs.log`;
  writeFileSync(file, '');
  const telemetry = new Collecting({ directories: [run.path] }, dpdk);
  const log = new Collecting({ directories: [run.path], file }, logqueue);
  const cleanups: (() => unknown)[] = [];
  const tree = new Tree();
  const machine = new Machine();
  try {
    const { source } = await serve(cleanups, replay(ONE_HOST));
    tree.device('eth0', { ifindex: 2, count: '1000' });
    tree.nics.push({ name: 'eth0', device: 'eth0' });
    await log.read();
    appendFileSync(file, 'IPVS: a line\nSERVICE: another\nDSCHED: lcore[3] loop over 100 usecs (actual=812, max=812):\n');
    machine.nics.push({ name: 'eth0', device: 'eth0' });
    machine.plain();
    machine.answers = [queues(4, [0, 1, 2, 0])];
    machine.ask = driver([{ location: 1, queue: 3n, ...flow4(1, { to: 179 }) }]);
    return new Map([
      ['bgp', await bgp()],
      ['control', await machine.read()],
      ['dpdk', data(await telemetry.read())],
      ['dpvs', await dataOf(source.read())],
      ['ipvs', ipvs()],
      ['keepalived', keepalived()],
      ['logqueue', data(await log.read())],
      ['nic', await tree.read()],
      ['passthrough', passthrough()],
      ['sync', sync()],
    ]);
  } finally {
    tree.close();
    machine.close();
    await telemetry.source.close();
    await log.source.close();
    for (const one of cleanups.toReversed()) await one();
    for (const p of processes) p.server.close();
    run.remove();
  }
}
