/**
 * Reload of 10 000 real servers with 1 % changed, in running lanes: file to plan to diff to lanes. Beside each, a plain reading
 * and a copy of the same plan, for calibration. Prints JSON, see `Measured`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { diffPlans } from '../../src/config/diff.ts';
import { loadPlan } from '../../src/config/load.ts';
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
const lanes = new Lanes({ clock: monotonicMs, log: () => undefined });
let plan = load(0);
await lanes.apply(plan);
let state = initial(topologyOf(plan), monotonicMs());
await sleep(6000);
lanes.collect();
await sleep(5600);
const lostBefore = missing();
const times: number[] = [];
const plain: number[] = [];
let lost = 0;
for (let round = 1; round <= ROUNDS; round++) {
  lanes.collect();
  const text = config(round);
  const t0 = performance.now();
  const next = loadPlan(text, 'bench.yaml', { hostname: 'bench' });
  const diff = diffPlans(plan, next);
  const topology = topologyOf(next);
  state = retopologise(state, topology, monotonicMs());
  const applied = lanes.apply(next);
  times.push(performance.now() - t0);
  await applied;
  if (diff.checks.kept !== N - N / 100) throw new Error(`kept ${diff.checks.kept}`);
  plan = next;
  const json = JSON.stringify(plan);
  plain.push(...timesOf(() => structuredClone(JSON.parse(json)), 1));
  await sleep(5600);
  lost += missing();
}
const { length: rounds } = times;
const result: Measured = {
  median: percentile(times, 0.5),
  worst: Math.max(...times),
  plain: percentile(plain, 0.5),
  rounds,
  lost,
  lostBefore,
};
console.log(JSON.stringify(result));
await lanes.stop();

/**
 * Targets without a result since the last look. Each has one within an interval on both lanes, unless it was lost or restarted.
 */
function missing(): number {
  const batch = lanes.collect();
  const heard = new Set<number>();
  for (let k = 0; k < batch.count; k++) heard.add(batch.nic[k]! * N + batch.target[k]!);
  return 2 * N - heard.size;
}
