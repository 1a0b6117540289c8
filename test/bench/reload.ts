/**
 * Reload of 10 000 real servers with 1 % changed, in running lanes: file to plan to diff in the thread that reads
 * configurations, then plan to lanes. Beside each, a plain reading and a copy of the same plan, for calibration. Prints JSON, see
 * `Measured`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPlan } from '../../src/config/load.ts';
import { packPlan, unpackPlan } from '../../src/config/plan-bytes.ts';
import { ConfigThread } from '../../src/config/thread.ts';
import { initial } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { Lanes } from '../../src/lanes/lanes.ts';
import { topologyOf } from '../../src/model/topology.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { percentile, timesOf } from './calibration.ts';

/** Times are medians in ms, but for the worst. */
export interface Measured {
  readonly median: number;
  readonly worst: number;
  /** The first one, with the start of the thread. */
  readonly first: number;
  /** Of the median in the judge's thread. */
  readonly busy: number;
  /** JSON.parse and structuredClone of the plan. */
  readonly plain: number;
  readonly rounds: number;
  /** Results of unchanged targets missing within an interval, all rounds. */
  readonly lost: number;
  /** The same before the first reload. */
  readonly lostBefore: number;
}

const N = 10_000;
const ROUNDS = 9;

/** A config of N real servers on closed ports; every hundredth is new in each generation. */
function config(generation: number): string {
  const servers = Array.from({ length: N }, (_, i) => {
    const host = i % 100 === 0 ? `127.${(generation % 50) + 1}.${i >> 8}.${i & 255}` : `127.0.${i >> 8}.${i & 255}`;
    return `      - ${host}:9`;
  });
  const head = [
    'nics:',
    '  - {name: a, device: lo}',
    '  - {name: b, device: lo}',
    'services:',
    '  - name: web',
    '    vip: 10.0.0.1:80/tcp',
  ];
  return [...head, '    check: {type: tcp, interval: 5s, timeout: 500ms}', '    realServers:', ...servers, ''].join('\n');
}

const load = (generation: number) => loadPlan(config(generation), 'bench.yaml', { hostname: 'bench' });
const directory = mkdtempSync(join(tmpdir(), 'fourlane-reload-'));
const path = join(directory, 'bench.yaml');
const thread = new ConfigThread();
const lanes = new Lanes({ clock: monotonicMs, log: () => undefined });
let plan = load(0);
await lanes.apply(plan);
let state = initial(topologyOf(plan), monotonicMs());
await sleep(6000);
lanes.collect();
await sleep(5600);
const lostBefore = missing();
let running = packPlan(plan);
const times: number[] = [];
const busy: number[] = [];
const plain: number[] = [];
let lost = 0;
for (let round = 1; round <= ROUNDS; round++) {
  lanes.collect();
  writeFileSync(path, config(round));
  const t0 = performance.now();
  const answer = await thread.load({ path, hostname: 'bench', running, fingerprint: plan.fingerprint });
  if (!('plan' in answer)) throw new Error(JSON.stringify(answer));
  const t1 = performance.now();
  const next = unpackPlan(answer.plan, plan);
  const topology = topologyOf(next);
  state = retopologise(state, topology, monotonicMs());
  const applied = lanes.apply(next);
  const t2 = performance.now();
  times.push(t2 - t0);
  busy.push(t2 - t1);
  await applied;
  const kept = `checks: ${N / 100} added, ${N / 100} removed, ${N - N / 100} kept`;
  if (!answer.summary.includes(kept)) throw new Error(answer.summary);
  plan = next;
  running = answer.plan;
  const json = JSON.stringify(plan);
  plain.push(...timesOf(() => structuredClone(JSON.parse(json)), 1));
  await sleep(5600);
  lost += missing();
}
const { length: rounds } = times;
const result: Measured = {
  median: percentile(times, 0.5),
  worst: Math.max(...times),
  first: times[0]!,
  busy: percentile(busy, 0.5),
  plain: percentile(plain, 0.5),
  rounds,
  lost,
  lostBefore,
};
console.log(JSON.stringify(result));
await thread.stop();
await lanes.stop();
rmSync(directory, { recursive: true });

/**
 * Targets without a result since the last look. Each has one within an interval on both lanes, unless it was lost or restarted.
 */
function missing(): number {
  const batch = lanes.collect();
  const heard = new Set<number>();
  for (let k = 0; k < batch.count; k++) heard.add(batch.nic[k]! * N + batch.target[k]!);
  return 2 * N - heard.size;
}
