/**
 * An agent with the real judge, publisher and HTTP thread over lanes that answer as the test says. Its past is played when it is
 * made, so that verdicts are there at once; then its clock is the real one.
 */
import { HttpThread } from '../../src/daemon/http-thread.ts';
import type { Behind } from '../../src/daemon/http-thread.ts';
import type { HttpInit } from '../../src/daemon/http-messages.ts';
import { CurrentPlan } from '../../src/daemon/current-plan.ts';
import { Loop } from '../../src/daemon/loop.ts';
import { Publisher } from '../../src/daemon/publisher.ts';
import { Pulse } from '../../src/daemon/pulse.ts';
import { makeView } from '../../src/daemon/view.ts';
import { initial } from '../../src/judge/judge.ts';
import type { Lanes } from '../../src/lanes/lanes.ts';
import type { Runner } from '../../src/collect/runner.ts';
import type { Family } from '../../src/model/family.ts';
import { newBatch } from '../../src/model/facts.ts';
import { OK, REFUSED, TIMEOUT } from '../../src/model/outcome.ts';
import type { Plan } from '../../src/model/plan.ts';
import { topologyOf } from '../../src/model/topology.ts';
import { TransitionLog } from '../../src/report/history.ts';
import type { Phase } from '../../src/report/view.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import type { LinkMonitor } from '../../src/sys/link-monitor.ts';
import type { Logger } from '../../src/sys/log.ts';
import type { ServerLimits } from '../../src/http/server.ts';
import { planOf, Stage } from '../act/world.ts';

const SERVERS = Array.from({ length: 12 }, (_, j) => `10.1.${Math.floor(j / 4) + 1}.${(j % 4) + 11}:8080`);

export const yamlOf = (servers: readonly string[] = SERVERS, more = '') => `listen: 127.0.0.1:0
cluster: edge-1
server: lb-01
nics: [{name: eth2}, {name: eth3}, {name: eth4}]
services:
  - {name: web, vip: '203.0.113.10:80/tcp', realServers: [${servers.map((s) => JSON.stringify(s)).join()}]}
  - {name: api, vip: '203.0.113.11:443/tcp', nics: [eth3], realServers: [${servers.map((s) => JSON.stringify(s)).join()}]}
${more}`;

/** eth3 reaches nobody, and one real server refuses. */
const trouble = (nic: number, server: number): number => (nic === 1 ? TIMEOUT : server === 6 ? REFUSED : OK);
/** Passes of the past, one a second, before and in the trouble; the last half a second ago. */
const PAST = [30, 90] as const;
const PAST_MS = (PAST[0] + PAST[1]) * 1000 - 500;

export interface StageOptions {
  readonly plan?: Plan;
  readonly limits?: ServerLimits;
  readonly behind?: Partial<Behind>;
  readonly init?: Partial<HttpInit>;
  /** Series of other rooms. */
  readonly families?: () => readonly Family[];
}

/** Resolves when the thread listens. `pass` makes the judge turn, `live` does so ten times a second. */
export async function openAgent({
  plan = planOf(yamlOf()),
  limits = {},
  behind = {},
  families = () => [],
  init: extra = {},
}: StageOptions = {}) {
  const world: { outcome: typeof trouble; phase: Phase; now: number } = {
    outcome: () => OK,
    phase: 'running' as Phase,
    now: monotonicMs() - PAST_MS,
  };
  const state = { live: false };
  const clock = () => (state.live ? monotonicMs() : world.now);
  const plans = new CurrentPlan(plan, world.now);
  const topology = topologyOf(plan);
  const batch = newBatch(64);
  const lanes = {
    all: plan.nics.map(() => ({ state: 'running' })),
    names: plan.nics.map((n) => n.name),
    collect: () => {
      batch.count = 0;
      for (let nic = 0; nic < plan.nics.length; nic++) {
        for (let server = 0; server < plan.targets.length; server++) {
          const k = batch.count++;
          batch.nic[k] = nic;
          batch.target[k] = server;
          batch.outcome[k] = world.outcome(nic, server);
          batch.t[k] = clock();
          batch.rttUs[k] = 200;
        }
      }
      return batch;
    },
  };
  const acting = new Stage();
  acting.reconciler.setPlan(plan);
  const history = new TransitionLog();
  const pulse = new Pulse();
  const runner = {
    status: () => [{ name: 'dpdk', state: 'absent', reason: 'none here', lastData: Number.NaN }],
    findings: () => [],
  };
  const links = { state: () => ({ carrier: 1 as const, changes: 3, operstate: 'up' }) };
  const loop = new Loop(
    {
      clock,
      lanes: lanes as unknown as Lanes,
      reconciler: acting.reconciler,
      history,
      recorder: () => undefined,
      changed: (decisions) => publisher.decided(decisions),
      passed: () => publisher.passed(),
    },
    topology,
    initial(topology, world.now),
  );
  const view = makeView({
    version: '0.1.0',
    clock,
    plans,
    life: world,
    loop,
    lanes: lanes as unknown as Lanes,
    links: links as unknown as LinkMonitor,
    runner: runner as unknown as Runner,
    history,
    clustering: { status: undefined },
    reconciler: acting.reconciler,
  });
  const publisher = new Publisher({ clock, pulse, plans, view, loop, links, measured: { families } });
  const past = (passes: number) => {
    for (let k = 0; k < passes; k++, world.now += 1000) loop.pass();
  };
  past(PAST[0]);
  world.outcome = trouble;
  past(PAST[1]);
  // To play it takes time, on a busy machine more than cells may be without a result.
  while (world.now < monotonicMs()) past(1);
  state.live = true;
  loop.pass();

  // How the thread is written to, each time it starts.
  const posts: Parameters<Publisher['connect']>[0][] = [];
  const connect = publisher.connect.bind(publisher);
  publisher.connect = (post) => {
    posts.push(post);
    connect(post);
  };
  const logged: string[] = [];
  const note = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
  const log = { error: note, warn: note, info: note };
  const http = new HttpThread({ clock, log: log as unknown as Logger });
  const answers: Behind = {
    publisher,
    reload: async () => ({ ok: true, message: 'nothing changed' }),
    shadow: () => undefined,
    fleet: async () => undefined,
    chaos: () => false,
    ...behind,
  };
  const init = {
    version: '0.1.0',
    startedAt: view.startedAt,
    pulse: pulse.buffer,
    ...plan.listen,
    names: [],
    chaos: true,
    limits,
    ...extra,
  };
  const door = await http.open(init, answers).catch((error: unknown) => {
    publisher.stop();
    throw error;
  });
  let turning: NodeJS.Timeout | undefined;
  const close = async () => {
    clearInterval(turning);
    await http.close();
    publisher.stop();
  };
  const live = () => (turning = setInterval(() => loop.pass(), 100));
  return { port: door.port, http, view, world, lanes, loop, plans, pulse, publisher, posts, logged, live, close };
}
