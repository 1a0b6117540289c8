/**
 * What a new plan does to the running parts, in this order: judge, actions, lanes, links, collectors, recording, exports,
 * reports.
 */
import type { Reconciler } from '../act/reconciler.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Plan } from '../model/plan.ts';
import { topologyOf } from '../model/topology.ts';
import type { Runner } from '../collect/runner.ts';
import type { Telemetry } from '../otel/telemetry.ts';
import type { LinkMonitor } from '../sys/link-monitor.ts';
import type { Carriers } from './carrier.ts';
import type { Clustering } from './clustering.ts';
import type { Loop } from './loop.ts';
import type { Keeper } from './persist.ts';
import type { Publisher } from './publisher.ts';
import type { Recording } from './recorder.ts';
import type { Reporting } from './reporting.ts';

/** Everything that follows a plan. */
export interface Followers {
  readonly clock: () => number;
  readonly loop: Loop;
  readonly reconciler: Reconciler;
  readonly lanes: Lanes;
  readonly links: LinkMonitor;
  readonly carriers: Carriers;
  readonly runner: Runner;
  readonly recording: Recording;
  readonly keeper: Keeper;
  readonly telemetry: Telemetry;
  readonly reporting: Reporting;
  readonly publisher: Publisher;
  readonly clustering: Clustering;
}

/** Makes the running agent follow `plan`; resolves when every lane has taken it. What is unchanged goes on. */
export async function applyPlan(parts: Followers, plan: Plan): Promise<void> {
  const { loop, reconciler, lanes, links, carriers, runner, recording, keeper, telemetry, reporting, publisher } = parts;
  loop.stop();
  loop.pass();
  loop.retopologise(topologyOf(plan));
  publisher.follow();
  reconciler.setPlan(plan);
  const applied = lanes.apply(plan);
  carriers.reset();
  links.setDevices(plan.nics.map((nic) => nic.device));
  runner.apply(plan.collectors);
  recording.follow(plan.evidenceLog);
  telemetry.follow(plan.opentelemetry);
  reporting.follow(plan.report);
  parts.clustering.follow(plan);
  loop.start();
  await applied;
  keeper.soon();
}
