/**
 * `npm run bench:cluster`: what an idle cluster costs an agent, and how long the judge's thread is held while the thread of the
 * cluster reads 100 000 keys and follows them.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { ClusterThread } from '../../src/cluster/thread/cluster-thread.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { until } from '../../src/lab/until.ts';
import { EtcdCluster, PREFIX } from './cluster.ts';
import type { Filling } from './fill.worker.ts';
import { idleCost } from './idle-cost.ts';
import { isInside } from './inside.ts';

const KEYS = 100_000;
const BYTES = 200;
const MOST_HELD_MS = 10;
const MOST_MB = 25;
const MOST_PERCENT = 0.5;

/** Resolves when every key has the letter as its value, `BYTES` times. */
function fill(cluster: EtcdCluster, letter: string): Promise<void> {
  const { endpoints } = cluster;
  const filling = { endpoints, tls: cluster.tls('api'), prefix: `${PREFIX}target/`, keys: KEYS, value: letter.repeat(BYTES) };
  const worker = new Worker(new URL('./fill.worker.ts', import.meta.url), { workerData: filling satisfies Filling });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}

if (isInside()) {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-bench-'));
  const cluster = await EtcdCluster.start({ dir: join(dir, 'etcd') });
  const cost = await idleCost(cluster, dir);
  const shown = `${cost.megabytes.toFixed(1)} MB (at most ${MOST_MB}) and ${cost.percent.toFixed(2)} % of a core`;
  console.log(
    `an idle agent with an etcd beside the same without, resident memory and CPU: ${shown} more (at most ${MOST_PERCENT})`,
  );
  await fill(cluster, 'a');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let longestCollection = 0;
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestCollection = Math.max(longestCollection, duration);
  });
  collections.observe({ entryTypes: ['gc'] });
  const measured = async (name: string, done: () => boolean) => {
    const [began, cpu] = [performance.now(), process.threadCpuUsage()];
    delay.reset();
    longestCollection = 0;
    delay.enable();
    await until(name, 120_000, done);
    delay.disable();
    const { user, system } = process.threadCpuUsage(cpu);
    const [p99, max] = [delay.percentile(99), delay.max].map((ns) => ns / 1e6);
    console.log(
      `${name}: ${((performance.now() - began) / 1000).toFixed(1)} s; judge's thread: ` +
        `${((user + system) / 1000).toFixed(0)} ms of CPU, ` +
        `held at most ${max!.toFixed(1)} ms (p99 ${p99!.toFixed(1)} ms; at most ${MOST_HELD_MS}), ` +
        `by its garbage collection at most ${longestCollection.toFixed(1)} ms`,
    );
    return max! <= MOST_HELD_MS;
  };
  const idle = await measured(
    'nothing, 3 s',
    (
      (until_) => () =>
        performance.now() > until_
    )(performance.now() + 3000),
  );
  let complete = false;
  let letter = 'a';
  const thread = new ClusterThread({
    etcd: { endpoints: cluster.endpoints, tls: cluster.tls('lb-01') },
    ranges: [{ name: 'target', key: `${PREFIX}target/`, prefix: true }],
    clock: monotonicMs,
    changed: (_, changes, last) => {
      complete = last;
      const value = changes.at(-1)?.value;
      if (value !== undefined) letter = String.fromCodePoint(value[0]!);
    },
    told: () => undefined,
    crashed: (reason) => console.error(reason),
  });
  const read = await measured(`${KEYS} keys read`, () => complete && thread.items(0).size === KEYS);
  const filled = fill(cluster, 'b');
  let written = false;
  void filled.then(() => (written = true));
  const followed = await measured(`${KEYS} keys followed while they change`, () => written && letter === 'b');
  await thread.stop();
  await cluster.stop();
  process.exit(idle && read && followed && cost.megabytes <= MOST_MB && cost.percent <= MOST_PERCENT ? 0 : 1);
}
