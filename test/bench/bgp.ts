/**
 * `npm run bench:bgp`: CPU of real FRR and BIRD for one reading of 20 planned prefixes over ten uplinks, with 10, 1 000 and
 * 100 000 routes in their tables. Exit code 1 when a reading takes a daemon 5 ms or more. Needs root.
 */
import assert from 'node:assert/strict';
import { table } from '../../src/cli/output.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { build, cpuMs, feed, KINDS, pidOf, sourceFor, stop } from '../system/bgp-lab.ts';
import { enterOwnNetwork, until } from '../system/harness.ts';

const LIMIT_MS = 5;
const READINGS = 200;

ensure(['iproute2', 'nftables', 'frr', 'bird2']);
enterOwnNetwork();
build();
const sources = KINDS.map((kind) => ({ kind, source: sourceFor(kind) }));
const rows = [['daemon', 'routes', 'CPU ms of the daemon', 'CPU ms here', 'ms']];

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
    const [started, daemon, here] = [performance.now(), cpuMs(pid), process.cpuUsage()];
    for (let i = 0; i < READINGS; i++) await read();
    const { user, system } = process.cpuUsage(here);
    const each = [cpuMs(pid) - daemon, (user + system) / 1000, performance.now() - started].map((ms) => ms / READINGS);
    rows.push([kind, String(found), ...each.map((ms) => ms.toFixed(2))]);
    if (each[0]! >= LIMIT_MS) process.exitCode = 1;
  }
}
for (const { source } of sources) source.close();
stop();
console.log(table(rows));
process.exit();
