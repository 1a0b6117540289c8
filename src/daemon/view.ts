/** The running agent as reports and families see it: a thin reading of the parts, no state of its own. */
import type { Runner } from '../collect/runner.ts';
import { cells, loss } from '../judge/read.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { TransitionLog } from '../report/history.ts';
import type { AgentView, Phase } from '../report/view.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import type { LinkMonitor } from '../sys/link-monitor.ts';
import type { CurrentPlan } from './current-plan.ts';
import type { Life } from './life.ts';
import type { Loop } from './loop.ts';

export interface ViewParts {
  readonly version: string;
  readonly clock: () => number;
  readonly plans: CurrentPlan;
  readonly life: Life;
  readonly loop: Loop;
  readonly lanes: Lanes;
  readonly links: LinkMonitor;
  readonly runner: Runner;
  readonly history: TransitionLog;
}

/** The view over these parts. */
export function makeView(viewParts: ViewParts): AgentView {
  return {
    version: viewParts.version,
    startedAt: viewParts.clock(),
    now: viewParts.clock,
    wallOffsetMs,
    plan: () => viewParts.plans.plan,
    phase: () => viewParts.life.phase,
    ready: () => readiness(viewParts.life.phase, viewParts.lanes),
    lastReload: () => viewParts.plans.last,
    nics: () =>
      viewParts.plans.plan.nics.map((nic, i) => {
        const link = viewParts.links.state(nic.device);
        const share = loss(viewParts.loop.state, i);
        return { carrier: link.carrier, carrierChanges: link.changes, ...(Number.isNaN(share) ? {} : { loss: share }) };
      }),
    cells: () => cells(viewParts.loop.state),
    wanted: () => viewParts.loop.state.wanted,
    verdicts: () => viewParts.loop.verdicts(),
    why: (subject) => viewParts.loop.why(subject),
    history: viewParts.history,
    collectors: () => viewParts.runner.status(),
  };
}

function readiness(phase: Phase, lanes: Lanes): { readonly ready: boolean; readonly reason: string } {
  if (phase !== 'running') return { ready: false, reason: `the agent is ${phase}` };
  const waiting = lanes.all.flatMap((lane, i) => (lane.state === 'running' ? [] : [`${lanes.names[i]} is ${lane.state}`]));
  return { ready: waiting.length === 0, reason: waiting.length === 0 ? 'every lane runs' : `lanes: ${waiting.join(', ')}` };
}
