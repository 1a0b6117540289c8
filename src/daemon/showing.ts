/** What others can read of the agent: its series, its view, and the thread that serves them. */
import type { Reconciler } from '../act/reconciler.ts';
import { LaneFamilies } from '../lanes/families.ts';
import { ProcessMetrics } from '../metrics/process-metrics.ts';
import { Registry } from '../metrics/registry.ts';
import type { Telemetry } from '../otel/telemetry.ts';
import { JudgeFamilies } from '../report/families.ts';
import type { Logger } from '../sys/log.ts';
import type { Clustering } from './clustering.ts';
import { HttpThread } from './http-thread.ts';
import { OwnFamilies, type OwnParts } from './own-families.ts';
import type { Shadowing } from './shadowing.ts';
import { Publisher } from './publisher.ts';
import { Pulse } from './pulse.ts';
import { makeView, type ViewParts } from './view.ts';

export type ShownParts = ViewParts & OwnParts & OtherParts;

interface OtherParts {
  readonly log: Logger;
  readonly reconciler: Reconciler;
  readonly telemetry: Telemetry;
  readonly shadowing: Shadowing;
  readonly clustering: Clustering;
  /** All series: filled here. */
  readonly metrics: Registry;
}

/** Nothing of it is served before the HTTP thread is opened. */
export function makeShown(shownParts: ShownParts) {
  const { clock, log, lanes, loop, links, plans, reconciler, runner, telemetry, metrics } = shownParts;
  const view = makeView(shownParts);
  const processMetrics = new ProcessMetrics();
  const http = new HttpThread({ log, clock });
  const measured = new Registry();
  measured.add(new LaneFamilies(lanes, clock), reconciler, runner, telemetry, new OwnFamilies(shownParts), http, processMetrics);
  measured.add(shownParts.shadowing, shownParts.clustering);
  metrics.add(new JudgeFamilies(view), measured);
  const pulse = new Pulse();
  const publisher = new Publisher({ clock, pulse, plans, view, loop, links, measured });
  return { view, processMetrics, http, pulse, publisher };
}
