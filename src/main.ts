/**
 * Composes the daemon, phase by phase: the plan, what is remembered, the parts, the doors. The only file that knows every room.
 */
import { actuators } from './act/index.ts';
import { leftBefore } from './act/left-before.ts';
import { Reconciler } from './act/reconciler.ts';
import type { ActionReport } from './act/report.ts';
import type { Followed } from './config/messages.ts';
import { ConfigThread } from './config/thread.ts';
import { Agent, type Door } from './daemon/agent.ts';
import { applyPlan } from './daemon/apply.ts';
import { Asker } from './daemon/asker.ts';
import { Carriers, watchLinks } from './daemon/carrier.ts';
import { makeRunner } from './daemon/collecting.ts';
import { Clustering } from './daemon/clustering.ts';
import { CurrentPlan } from './daemon/current-plan.ts';
import { type First, firstPlan, isUnknown } from './daemon/first-plan.ts';
import { Following } from './daemon/following.ts';
import { killAt } from './daemon/kill-at.ts';
import { Life } from './daemon/life.ts';
import { Loop } from './daemon/loop.ts';
import { Keeper, recover } from './daemon/persist.ts';
import { readableSecrets } from './daemon/readable.ts';
import { Recording } from './daemon/recorder.ts';
import { Reloader } from './daemon/reload.ts';
import { Reporting } from './daemon/reporting.ts';
import { Shadowing } from './daemon/shadowing.ts';
import { makeShown } from './daemon/showing.ts';
import { VerdictSpans } from './daemon/spans.ts';
import { StateFile } from './daemon/state-file.ts';
import { tell, tellAction, tellImports, tellReady } from './daemon/tell.ts';
import { makeTelemetry } from './daemon/telemetry.ts';
import { Topic } from './daemon/topic.ts';
import { Lanes } from './lanes/lanes.ts';
import { Registry } from './metrics/registry.ts';
import type { Plan } from './model/plan.ts';
import { topologyOf } from './model/topology.ts';
import type { Decisions } from './model/verdict.ts';
import { TransitionLog } from './report/history.ts';
import { connectionsFor } from './http/server.ts';
import { monotonicMs as clock } from './sys/clock.ts';
import { descriptorLimit } from './sys/limits.ts';
import type { Logger } from './sys/log.ts';

export interface AgentOptions {
  readonly config: string;
  readonly version: string;
  readonly log: Logger;
  /** Lines that the log had to drop so far. */
  readonly logDropped: () => number;
  /** Lab only: POST /-/chaos may break lanes, and reloads come as fast as they are asked for. */
  readonly chaos: boolean;
  /** Lab only: where in a release the process ends itself, see `killAt`. */
  readonly killAt?: string | undefined;
}

/** Starts the agent; resolves when every lane runs. @throws FourlaneError for a bad config or a taken address */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const first = await firstPlan(options.config, { ...options, clock });
  const plans = new CurrentPlan(first.plan, clock());
  const readable = readableSecrets(options.config, plans.plan);
  if (readable !== undefined) options.log.warn({}, readable);
  const memory = await remember(options, plans, first);
  const parts = makeParts(options, plans, memory);
  const agent = new Agent(parts);
  const door = await agent.start(() => openDoors(options, parts));
  tellImports(options.log, plans.plan);
  tellReady(options.log, { tracer: parts.tracer, startedAt: parts.view.startedAt }, plans.plan, door);
  return agent;
}

/** What outlives a pass, a reload or the process: history, spans, actions in place, the state file, the evidence log. */
async function remember({ log, version }: AgentOptions, { plan }: CurrentPlan, { begun, followed }: First) {
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
  const restoring = isUnknown(plan, begun) ? { restore: () => 0 } : reconciler;
  restoring.restore(await leftBefore(plan));
  const recovered = await recover(file, topologyOf(plan), restoring, clock, log);
  return {
    acted,
    metrics,
    telemetry,
    spans,
    reconciler,
    file,
    recording,
    recovered,
    begun,
    followed,
    history: new TransitionLog(),
  };
}

type Memory = Awaited<ReturnType<typeof remember>>;
type Parts = ReturnType<typeof makeParts>;

/** What does the work, in the order of the data: lanes, judge, what follows from it, and what reads it. */
function makeParts(options: AgentOptions, plans: CurrentPlan, memory: Memory) {
  const { config, version, log, logDropped, chaos } = options;
  const { acted, file, history, metrics, reconciler, recording, recovered, spans, telemetry } = memory;
  const { tracer } = telemetry;
  const plan = () => plans.plan;
  const life = new Life();
  const [decided, passed, doubted] = [new Topic<Decisions>(), new Topic<number>(), new Topic<readonly number[]>()];
  const lanes = new Lanes({ clock, log: (level, message, fields) => log[level](fields, message) });
  const calls = { changed: decided.emit, passed: passed.emit, doubted: doubted.emit };
  const loop = new Loop(
    { clock, lanes, reconciler, history, recorder: () => recording.current, ...calls },
    topologyOf(plans.plan),
    recovered(clock()),
  );
  const keeper = new Keeper({ file, loop, plans, reconciler, clock });
  const carriers = new Carriers((fact) => loop.observe(fact));
  const started = (collector: string) => reconciler.started(collector);
  const runner = makeRunner({ clock, log, plan, loop, carriers, tracer, started });
  reconciler.lookThrough((collector, vip) => runner.realServers(collector, vip));
  const asker = new Asker(clock, (nics) => runner.ask(nics));
  const links = watchLinks({ clock, log, plan, carriers });
  const base = { version, clock, log, plans, life, lanes, loop, history, reconciler, recording, telemetry };
  const shadowing = new Shadowing({ clock, log, plan, loop });
  const reporting = new Reporting({ log, plan, report: () => shadowing.report() });
  const told = () => shown.pulse.change();
  const at = killAt(chaos ? options.killAt : undefined);
  const releasing = { plan, reloader: () => reloader, reconciler, loop, begun: memory.begun, at, told };
  const clustering = new Clustering({ version, clock, log, ...releasing });
  const shown = makeShown({ ...base, shadowing, clustering, file, links, logDropped, metrics, passed, runner });

  decided.on((decisions) => tell(log, decisions, spans));
  for (const happened of [decided, acted]) happened.on(() => keeper.soon());
  decided.on((decisions) => shown.publisher.decided(decisions));
  decided.on((decisions) => shadowing.decided(decisions));
  decided.on((decisions) => clustering.decided(decisions));
  acted.on(() => shown.pulse.change());
  passed.on(() => shown.publisher.passed());
  doubted.on((nics) => asker.doubted(nics.flatMap((nic) => plan().nics[nic] ?? [])));
  const parts = { ...base, ...shown, clustering, links, carriers, runner, keeper, reporting };
  const configThread = new ConfigThread();
  // A lab reloads a thousand times.
  const reading = { file: config, plans, loader: configThread, clock, log, tracer, ...(chaos ? { leastMs: 0 } : {}) };
  const ofCluster = { release: () => clustering.release, reloaded: () => clustering.fileChanged() };
  const apply = async (next: Plan, before: Plan) => {
    await applyPlan(parts, next);
    tellImports(log, next, before);
  };
  const read = (files: Followed) => following.read(files);
  const reloader = new Reloader({ ...reading, ...ofCluster, apply, read, ended: told });
  const following = new Following({ first: memory.followed, changed: () => void reloader.reload(), clock });
  return { ...parts, recovered, reloader, configThread, following, shadowing, tracer };
}

function openDoors(
  { version, chaos }: AgentOptions,
  { plans, view, pulse, http, publisher, reloader, lanes, shadowing, clustering }: Parts,
): Promise<Door> {
  const { listen, control, server } = plans.plan;
  const reach = { ...listen, ...(control === undefined ? {} : { control }), names: [listen.host, server.toLowerCase()] };
  const limits = { maxConnections: connectionsFor(descriptorLimit()) };
  const init = { version, startedAt: view.startedAt, pulse: pulse.buffer, ...reach, chaos, limits };
  const crash = (nic: string) => chaos && (lanes.lane(nic)?.crash() ?? false);
  const asked = { reload: () => reloader.reload(), shadow: () => shadowing.report(), fleet: () => clustering.fleet() };
  return http.open(init, { publisher, ...asked, chaos: crash });
}
