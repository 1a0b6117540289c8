/** Composes the daemon, phase by phase: the plan, what is remembered, the parts, the doors. The only file that knows every room. */
import { hostname } from 'node:os';
import { actuators } from './act/index.ts';
import { type ActionReport, Reconciler } from './act/reconciler.ts';
import { loadPlanFile } from './config/load.ts';
import { Agent, type AgentParts, type Door, PhaseOf } from './daemon/agent.ts';
import { applyPlan } from './daemon/apply.ts';
import { Carriers, watchLinks } from './daemon/carrier.ts';
import { makeRunner } from './daemon/collecting.ts';
import { CurrentPlan } from './daemon/current-plan.ts';
import { Loop } from './daemon/loop.ts';
import { OwnFamilies } from './daemon/own-families.ts';
import { Keeper, recover } from './daemon/persist.ts';
import { Recording } from './daemon/recorder.ts';
import { Reloader } from './daemon/reload.ts';
import { VerdictSpans } from './daemon/spans.ts';
import { StateFile } from './daemon/state-file.ts';
import { tell, tellAction, tellReady } from './daemon/tell.ts';
import { makeTelemetry } from './daemon/telemetry.ts';
import { Topic } from './daemon/topic.ts';
import { makeView } from './daemon/view.ts';
import { startServer } from './http/server.ts';
import { LaneFamilies } from './lanes/families.ts';
import { Lanes } from './lanes/lanes.ts';
import { ProcessMetrics } from './metrics/process-metrics.ts';
import { Registry } from './metrics/registry.ts';
import { topologyOf } from './model/topology.ts';
import type { Decisions } from './model/verdict.ts';
import { JudgeFamilies } from './report/families.ts';
import { TransitionLog } from './report/history.ts';
import type { AgentView } from './report/view.ts';
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

/** Starts the agent; resolves when every lane runs. @throws FourlaneError for a bad config or a taken address */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const plans = new CurrentPlan(loadPlanFile(options.config, { hostname: hostname() }));
  const memory = await remember(options, plans);
  const parts = makeParts(options, plans, memory);
  const agent = new Agent(parts);
  const door = await agent.start(() => openDoors(options, parts));
  tellReady(options.log, { tracer: parts.tracer, startedAt: parts.view.startedAt }, plans.plan, door);
  return agent;
}

/** What outlives a pass, a reload or the process: history, spans, actions in place, the state file, the evidence log. */
async function remember({ log, version }: AgentOptions, { plan }: CurrentPlan) {
  const acted = new Topic<ActionReport>();
  const metrics = new Registry();
  const telemetry = makeTelemetry({ clock, log, version, plan, metrics });
  const spans = new VerdictSpans(telemetry.tracer, clock);
  const reconciler = new Reconciler({ actuators, clock, onAction: (report) => acted.emit(report) });
  reconciler.setPlan(plan);
  acted.on((report) => spans.action(report, () => tellAction(log, report)));
  const file = new StateFile(plan.stateDir, ({ code, message }) => log.error({ code }, message));
  const recording = new Recording((message) => log.error({}, message));
  recording.follow(plan.evidenceLog);
  const recovered = await recover(file, topologyOf(plan), reconciler, clock, log);
  return { acted, metrics, telemetry, spans, reconciler, file, recording, recovered, history: new TransitionLog() };
}

type Memory = Awaited<ReturnType<typeof remember>>;
type Parts = AgentParts & {
  readonly view: AgentView;
  readonly tracer: Memory['telemetry']['tracer'];
  readonly metrics: Registry;
};

/** What does the work, in the order of the data: lanes, judge, what follows from it, and what reads it. */
function makeParts({ config, version, log, logDropped }: AgentOptions, plans: CurrentPlan, memory: Memory): Parts {
  const { acted, file, history, metrics, reconciler, recording, recovered, spans, telemetry } = memory;
  const { tracer } = telemetry;
  const plan = () => plans.plan;
  const phase = new PhaseOf();
  const decided = new Topic<Decisions>();
  const lanes = new Lanes({ clock, log: (level, message, fields) => log[level](fields, message) });
  const loop = new Loop(
    { clock, lanes, reconciler, history, recorder: () => recording.current, changed: (decisions) => decided.emit(decisions) },
    topologyOf(plans.plan),
    recovered(clock()),
  );
  const keeper = new Keeper(file, loop, reconciler, clock);
  decided.on((decisions) => tell(log, decisions, spans));
  decided.on(() => keeper.soon());
  acted.on(() => keeper.soon());
  const carriers = new Carriers((fact) => loop.observe(fact));
  const runner = makeRunner({ clock, log, plan, loop, carriers, tracer });
  const links = watchLinks({ clock, log, plan, carriers });
  const followers = { clock, loop, reconciler, lanes, links, carriers, runner, recording, keeper, telemetry };
  const reloader = new Reloader({ file: config, plans, apply: (next) => applyPlan(followers, next), clock, log, tracer });
  const lastReload = () => reloader.last;
  const view = makeView({ version, clock, plans, phase: () => phase.now, lastReload, loop, lanes, links, runner, history });
  const processMetrics = new ProcessMetrics();
  const stateError = () => file.error;
  const evidenceDropped = () => recording.current?.dropped ?? 0;
  const own = new OwnFamilies({ plan, lanes, loop, stateError, evidenceDropped, logDropped });
  metrics.add(new JudgeFamilies(view), new LaneFamilies(lanes, clock), reconciler, runner, telemetry, own, processMetrics);
  return { ...followers, plans, phase, recovered, reloader, processMetrics, view, tracer, metrics };
}

function openDoors({ log, chaos }: AgentOptions, { view, metrics, reloader, lanes }: Parts): Promise<Door> {
  let number = 0;
  const crash = chaos ? { chaos: async (nic: string) => lanes.lane(nic)?.crash() ?? false } : {};
  const agent = { view, metrics, refresh: async () => number++, reload: () => reloader.reload(), ...crash };
  return startServer(agent, { onError: (e) => log.error({ code: 'INTERNAL', error: String(e) }, 'HTTP request failed') });
}
