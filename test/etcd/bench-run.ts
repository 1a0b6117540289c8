/**
 * `npm run bench:cluster`: what an idle cluster costs an agent, and how long its judge's thread is held while 100 000 keys are
 * written, while they change, and while they are read as a whole. Of a real agent. Etcd, who writes and who measures stand for
 * other machines, and run on these CPUs when no thread of the agent wants them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithUs } from '../run/end-with-us.ts';
import { type AgentProcess, until } from '../system/harness.ts';
import { ASIDE, EtcdCluster, PREFIX } from './cluster.ts';
import type { Filling } from './fill.child.ts';
import { heldWhile, idleProcess, type Watched } from './held.ts';
import { idleCost, type Pair, startPairs } from './idle-cost.ts';
import { isInside } from './inside.ts';

/** Each with and without a cluster. */
const SERVERS = ['lb-01', 'lb-02', 'lb-03'];
const KEYS = 100_000;
const BYTES = 200;
/** Of a judge's pass, and of what holds its thread in 99 of 100 cases. What holds it longest is shown beside an idle process. */
const MOST_HELD_MS = 10;
const MOST_MB = 25;
const MOST_PERCENT = 0.5;
const LIMIT_MS = 120_000;
/** Each asking costs the agent some CPU. */
const EVERY_MS = 500;

const programOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Resolves when every key has the letter as its value, `BYTES` times, and the agent knows it. */
async function fill(cluster: EtcdCluster, agent: AgentProcess, letter: string): Promise<void> {
  const { endpoints } = cluster;
  const filling = { endpoints, tls: cluster.tls('api'), prefix: `${PREFIX}target/`, keys: KEYS, value: letter.repeat(BYTES) };
  const [command, ...argv] = [
    ...ASIDE,
    process.execPath,
    programOf('./fill.child.ts'),
    JSON.stringify(filling satisfies Filling),
  ];
  const child = endWithUs(spawn(command!, argv, { stdio: 'inherit' }));
  const status = await new Promise((resolve) => child.once('exit', resolve));
  if (status !== 0) throw new Error(`the writer ended with ${String(status)}`);
  await isKnown(agent, await cluster.revision());
}

/** Resolves when the agent has all keys, as they are at this revision or later. */
function isKnown(agent: AgentProcess, revision: number): Promise<true> {
  const known = async () => {
    const [keys, upTo] = await Promise.all(
      ['keys', 'revision'].map((of) => agent.metric(`fourlane_cluster_${of}`, 'range="target"')),
    );
    return (keys ?? 0) >= KEYS && (upTo ?? 0) >= revision;
  };
  return until(`the agent knows revision ${revision}`, LIMIT_MS, known, EVERY_MS);
}

/** Passes of the judge so far that took at most so long, by the bounds of their histogram, s; the last is of all. */
async function passesOf(agent: AgentProcess): Promise<readonly (readonly [bound: string, passes: number])[]> {
  const { text } = await agent.ask('/metrics');
  const rows = text.matchAll(/^fourlane_judge_duration_seconds_bucket\{.*\ble="([^"]+)".*\} (\d+)$/gm);
  return [...rows].map(([, bound, passes]) => [bound!, Number(passes)]);
}

/** Measures the judge's passes and its thread while something is done. @returns whether they took no longer than they may */
async function measured(agent: AgentProcess, idle: Watched, name: string, act: () => Promise<unknown>): Promise<boolean> {
  const before = await passesOf(agent);
  const began = performance.now();
  const [judge, machine] = await heldWhile([agent, idle], act);
  const seconds = (performance.now() - began) / 1000;
  const after = await passesOf(agent);
  const passes = after.map(([bound, count], i) => [Number(bound) * 1000, count - before[i]![1]] as const);
  const count = passes.at(-1)![1];
  const longest = passes.find(([, within]) => within === count)![0];
  const { maxMs, p99Ms, cpuMs, collectionMs, full } = judge!;
  const well = count > 0 && longest <= MOST_HELD_MS && p99Ms <= MOST_HELD_MS;
  console.log(
    `${name}: ${seconds.toFixed(1)} s; ${count} passes of the judge, each at most ${longest} ms; its thread: ` +
      `${cpuMs.toFixed(0)} ms of CPU, held ${p99Ms.toFixed(1)} ms at p99; at most ${MOST_HELD_MS}: ${well ? 'pass' : 'MISS'}; ` +
      `held longest ${maxMs.toFixed(1)} ms (an idle process: ${machine!.maxMs.toFixed(1)}), ` +
      `by its garbage collection ${collectionMs.toFixed(1)} ms, ${full} of the whole heap`,
  );
  return well;
}

if (isInside()) {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-bench-'));
  const cluster = await EtcdCluster.start({ dir: join(dir, 'etcd'), aside: true });
  const idle = await idleProcess();
  const pairs = await startPairs(cluster, dir, SERVERS);
  const cost = await idleCost(pairs);
  const shown = `${cost.megabytes.toFixed(1)} MB (at most ${MOST_MB}) and ${cost.percent.toFixed(2)} % of a core`;
  console.log(
    `idle agents with an etcd beside as many without, resident memory and CPU of each: ${shown} more (at most ${MOST_PERCENT})`,
  );
  for (const { thread, percent } of cost.threads) console.log(`  ${thread}: ${percent.toFixed(2)} %`);
  const [{ among, reach }] = pairs as [Pair, ...Pair[]];
  const others = pairs.flatMap((pair) => [pair.alone, pair.among]).filter((agent) => agent !== among);
  await Promise.all(others.map((agent) => agent.end()));
  // The agents have been started: what is lowered is not theirs.
  spawnSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(process.pid)], { stdio: 'inherit' });
  /** It is told of etcd's members in another order: its thread of the cluster, and all that it knew, is replaced. */
  const readAgain = async () => {
    const before = among.log.length;
    reach(cluster.endpoints.toReversed());
    await among.ask('/-/reload', 'POST');
    await until('connected again', LIMIT_MS, () => among.log.slice(before).some(({ message }) => message === 'etcd connected'));
    await isKnown(among, 1);
    // Known by the thread of the cluster: some MB may be on their way to the judge's.
    await sleep(1000);
  };
  const results = [
    await measured(among, idle, 'nothing', () => sleep(3000)),
    await measured(among, idle, `${KEYS} keys written`, () => fill(cluster, among, 'a')),
    await measured(among, idle, `${KEYS} keys changed`, () => fill(cluster, among, 'b')),
    await measured(among, idle, `${KEYS} keys read as a whole`, readAgain),
  ];
  await among.end();
  await cluster.stop();
  process.exit(results.every(Boolean) && cost.megabytes <= MOST_MB && cost.percent <= MOST_PERCENT ? 0 : 1);
}
