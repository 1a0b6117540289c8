/** Reload of 10 000 real servers with 1 % changed, in running lanes: file to plan to diff to lanes. Prints JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { diffPlans } from '../../src/config/diff.ts';
import { loadPlan } from '../../src/config/load.ts';
import { initial } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { Lanes } from '../../src/lanes/lanes.ts';
import { topologyOf } from '../../src/model/topology.ts';
import { monotonicMs } from '../../src/sys/clock.ts';

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
const times: number[] = [];
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
  await sleep(5600);
  // Every unchanged target must have answered on both lanes within the interval: none was lost or restarted.
  const batch = lanes.collect();
  const heard = new Set<number>();
  for (let k = 0; k < batch.count; k++) heard.add(batch.nic[k]! * N + batch.target[k]!);
  lost += 2 * N - heard.size;
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ median: times[ROUNDS >> 1], worst: times.at(-1), lost }));
await lanes.stop();
