/** The running agent: the order in which its parts begin and end. */
import type { ConfigThread } from '../config/thread.ts';
import type { JudgeState } from '../judge/judge.ts';
import type { Plan } from '../model/plan.ts';
import { topologyOf } from '../model/topology.ts';
import type { ProcessMetrics } from '../metrics/process-metrics.ts';
import type { Phase, ReloadResult } from '../report/view.ts';
import type { Followers } from './apply.ts';
import type { Following } from './following.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Life } from './life.ts';
import type { Reloader } from './reload.ts';
import type { Shadowing } from './shadowing.ts';

/** What the agent opens to the outside. */
export interface Door {
  readonly host: string;
  readonly port: number;
  /** Resolves when answers show that the agent is in this phase, or after a while without an answer. */
  shows(phase: Phase): Promise<void>;
  close(): Promise<void>;
}

export interface AgentParts extends Followers {
  readonly plans: CurrentPlan;
  readonly processMetrics: ProcessMetrics;
  readonly reloader: Reloader;
  readonly configThread: ConfigThread;
  readonly following: Following;
  readonly shadowing: Shadowing;
  /** What the judge begins with at a time. */
  readonly recovered: (now: number) => JudgeState;
  readonly life: Life;
}

export class Agent {
  readonly #parts: AgentParts;
  #door: Door | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  /**
   * Opens the door, starts the lanes, and judges once each of them runs.
   * @param open listens for HTTP; what it throws ends the start
   */
  async start(open: () => Promise<Door>): Promise<Door> {
    const { clock, plans, processMetrics, lanes, loop, runner, telemetry, recovered, life, publisher } = this.#parts;
    const { reporting, clustering } = this.#parts;
    const first: Plan = plans.plan;
    try {
      await processMetrics.start();
      this.#door = await open();
      await lanes.apply(first);
    } catch (error) {
      await this.stop();
      throw error;
    }
    // The time that the lanes took to start must not count against the cells.
    loop.replace(topologyOf(first), recovered(clock()));
    loop.start();
    runner.apply(first.collectors);
    telemetry.follow(first.opentelemetry);
    reporting.follow(first.report);
    clustering.follow(first);
    life.phase = 'running';
    const shown = this.#door.shows('running');
    publisher.passed();
    await shown;
    return this.#door;
  }

  /** Reads the configuration again; see `Reloader`. */
  reload(): Promise<ReloadResult> {
    return this.#parts.reloader.reload();
  }

  /** Ends lanes, children and server; what is enabled or disabled stays so. */
  async stop(): Promise<void> {
    const { life, loop, links, publisher, reconciler, recording, processMetrics } = this.#parts;
    const { lanes, runner, keeper, telemetry, configThread, following, shadowing, reporting, clustering } = this.#parts;
    const ran = life.phase === 'running';
    life.phase = 'stopping';
    loop.stop();
    if (ran) reconciler.farewell();
    links.stop();
    processMetrics.stop();
    const others = [configThread, following, shadowing, reporting, clustering];
    const ending = [lanes, runner, keeper, telemetry, ...others].map((part) => part.stop());
    await Promise.all([this.#door?.close(), ...ending, recording.current?.close()]);
    publisher.stop();
  }
}
