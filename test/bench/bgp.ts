/**
 * `npm run bench:bgp`: CPU of real FRR and BIRD for one reading of 20 planned prefixes over ten uplinks, with 10, 1 000 and
 * 100 000 routes in their tables. Exit code 1 when a reading takes a daemon more than its limit. Needs root.
 */
import assert from 'node:assert/strict';
import { table } from '../../src/cli/output.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { costOf } from '../system/bgp-cost.ts';
import { build, cpuMs, feed, KINDS, pidOf, sourceFor, stop } from '../system/bgp-lab.ts';
import { enterOwnNetwork, until } from '../system/harness.ts';

const READINGS = 200;

ensure(['iproute2', 'nftables', 'frr', 'bird2']);
enterOwnNetwork();
build();
const sources = KINDS.map((kind) => ({ kind, source: sourceFor(kind) }));
const rows = [['daemon', 'routes', 'CPU ms of the daemon', 'its own list', 'limit']];

for (const routes of [10, 1000, 100_000]) {
  feed(routes);
  for (const { kind, source } of sources) {
    const read = async () => {
      const reading = await source.read(AbortSignal.timeout(5000));
      assert.ok(reading.state === 'data', JSON.stringify(reading));
      return reading.data;
    };
    const found = await until(`${kind} has ${routes} routes and its sessions`, 60_000, async () => {
      const { up, planned } = await read();
      return up[0]!.routes >= routes && planned.every((p) => p.announced) && up[0]!.routes;
    });
    const pid = pidOf(kind);
    await until(`${kind} is at rest`, 60_000, async () => {
      const before = cpuMs(pid);
      await new Promise((resolve) => void setTimeout(resolve, 1000));
      return cpuMs(pid) - before <= 20;
    });
    const { reading, list, limit } = await costOf(kind, READINGS, read);
    rows.push([kind, String(found), ...[reading, list, limit].map((ms) => ms.toFixed(2))]);
    if (reading >= limit) process.exitCode = 1;
  }
}
for (const { source } of sources) source.close();
stop();
console.log(table(rows));
process.exit();
