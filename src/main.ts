/** Composes the daemon: the only file that knows every room. */
import { hostname } from 'node:os';
import { actuators } from './act/index.ts';
import { Reconciler } from './act/reconciler.ts';
import { loadPlanFile } from './config/load.ts';
import { applyPlan } from './daemon/apply.ts';
import { Carriers, watchLinks } from './daemon/carrier.ts';
import { makeRunner } from './daemon/collecting.ts';
import { Loop } from './daemon/loop.ts';
import { Keeper, recover } from './daemon/persist.ts';
import { Recording } from './daemon/recorder.ts';
import { Reloader } from './daemon/reload.ts';
import { VerdictSpans } from './daemon/spans.ts';
import { StateFile } from './daemon/state-file.ts';
import { tell, tellAction, tellReady } from './daemon/tell.ts';
import { makeTelemetry } from './daemon/telemetry.ts';
import { makeView } from './daemon/view.ts';
import { TransitionLog } from './report/history.ts';
import { startServer } from './http/server.ts';
import { Lanes } from './lanes/lanes.ts';
import type { Plan } from './model/plan.ts';
import { topologyOf } from './model/topology.ts';
import type { Decisions } from './model/verdict.ts';
import { monotonicMs as clock } from './sys/clock.ts';
import type { Logger } from './sys/log.ts';

export interface AgentOptions {
  readonly config: string;
  readonly version: string;
  readonly log: Logger;
  /** Lines that the log had to drop so far. */
  readonly logDropped: () => number;
  /** Lab only: POST /-/chaos may break lanes. */
  readonly chaos: boolean;
}

export interface RunningAgent {
  readonly host: string;
  readonly port: number;
  reload(): Promise<unknown>;
  /** Ends lanes, children and server; what is enabled or disabled stays so. */
  stop(): Promise<void>;
}

/** Starts the agent; resolves when every lane runs. @throws FourlaneError for a bad config or a taken address */
export async function startAgent({ config, version, log, logDropped, chaos }: AgentOptions): Promise<RunningAgent> {
  const first = loadPlanFile(config, { hostname: hostname() });
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  const history = new TransitionLog();
  const telemetry = makeTelemetry({ clock, log, version, plan: first, families: () => server?.families() ?? [] });
  const { tracer } = telemetry;
  const spans = new VerdictSpans(tracer, clock);
  const lanes = new Lanes({ clock, log: (level, message, fields) => log[level](fields, message) });
  const reconciler = new Reconciler({
    actuators,
    clock,
    onAction: (report) => {
      spans.action(report, () => tellAction(log, report));
      keeper.soon();
    },
  });
  reconciler.setPlan(first);
  const file = new StateFile(first.stateDir, ({ code, message }) => log.error({ code }, message));
  const recording = new Recording((message) => log.error({}, message));
  recording.follow(first.evidenceLog);

  const topology = topologyOf(first);
  const recovered = await recover(file, topology, reconciler, clock, log);
  const changed = (decisions: Decisions) => {
    tell(log, decisions, spans);
    keeper.soon();
  };
  const loop = new Loop(
    { clock, lanes, reconciler, history, recorder: () => recording.current, changed },
    topology,
    recovered(clock()),
  );
  const keeper = new Keeper(file, loop, reconciler, clock);

  const follow = (plan: Plan) => applyPlan({ ...parts, carriers, recording, keeper }, plan);
  const reloader: Reloader = new Reloader(config, first, follow, { clock, log, tracer });
  const carriers = new Carriers((fact) => loop.observe(fact));
  const runner = makeRunner({ clock, log, plan: () => reloader.plan, loop, carriers, tracer });
  const links = watchLinks({ clock, log, plan: () => reloader.plan, carriers });

  const parts = { version, clock, loop, lanes, links, runner, reconciler, history, telemetry };
  const view = makeView({
    ...parts,
    plan: () => reloader.plan,
    phase: () => phase,
    lastReload: () => reloader.last,
    reload: () => reloader.reload(),
    stateError: () => file.error,
    evidenceDropped: () => recording.current?.dropped ?? 0,
    logDropped,
  });
  const stop = async () => {
    phase = 'stopping';
    loop.stop();
    links.stop();
    const ending = [lanes, runner, keeper, telemetry].map((part) => part.stop());
    await Promise.all([server?.close(), ...ending, recording.current?.close()]);
  };
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  try {
    const crash = chaos ? { chaos: (nic: string) => lanes.lane(nic)?.crash() ?? false } : {};
    server = await startServer(
      { ...view, ...crash },
      { onError: (e) => log.error({ code: 'INTERNAL', error: String(e) }, 'HTTP request failed') },
    );
    await lanes.apply(first);
  } catch (error) {
    await stop();
    throw error;
  }
  loop.replace(topology, recovered(clock()));
  loop.start();
  runner.apply(first.collectors);
  telemetry.follow(first.opentelemetry);
  phase = 'running';
  tellReady(log, { tracer, startedAt: view.startedAt }, first, server);
  return { host: server.host, port: server.port, stop, reload: () => reloader.reload() };
}
