/**
 * Reload of 10 000 real servers with 1 % changed, in running lanes: file to plan to diff, in the thread that reads configurations, then plan to
 * lanes. Prints JSON: the whole, and how long this thread, which is the judge's, was busy with it.
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
let running = packPlan(plan);
const times: number[] = [];
const busy: number[] = [];
let lost = 0;
for (let round = 1; round <= ROUNDS; round++) {
  lanes.collect();
  writeFileSync(path, config(round));
  const t0 = performance.now();
  const answer = await thread.load({ path, hostname: 'bench', running, revision: plan.revision });
  if (!('plan' in answer)) throw new Error(JSON.stringify(answer));
  const t1 = performance.now();
  const next = unpackPlan(answer.plan);
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
  await sleep(5600);
  // Every unchanged target must have answered on both lanes within the interval: none was lost or restarted.
  const batch = lanes.collect();
  const heard = new Set<number>();
  for (let k = 0; k < batch.count; k++) heard.add(batch.nic[k]! * N + batch.target[k]!);
  lost += 2 * N - heard.size;
}
const first = times[0];
times.sort((a, b) => a - b);
busy.sort((a, b) => a - b);
const half = ROUNDS >> 1;
console.log(JSON.stringify({ median: times[half], worst: times.at(-1), first, busy: busy[half], worstBusy: busy.at(-1), lost }));
await thread.stop();
await lanes.stop();
rmSync(directory, { recursive: true });
