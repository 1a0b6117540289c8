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
export function makeView(p: ViewParts): AgentView {
  return {
    version: p.version,
    startedAt: p.clock(),
    now: p.clock,
    wallOffsetMs,
    plan: () => p.plans.plan,
    phase: () => p.life.phase,
    ready: () => readiness(p.life.phase, p.lanes),
    lastReload: () => p.plans.last,
    nics: () =>
      p.plans.plan.nics.map((nic, i) => {
        const link = p.links.state(nic.device);
        const share = loss(p.loop.state, i);
        return { carrier: link.carrier, carrierChanges: link.changes, ...(Number.isNaN(share) ? {} : { loss: share }) };
      }),
    cells: () => cells(p.loop.state),
    wanted: () => p.loop.state.wanted,
    verdicts: () => p.loop.verdicts(),
    why: (subject) => p.loop.why(subject),
    history: p.history,
    collectors: () => p.runner.status(),
  };
}

function readiness(phase: Phase, lanes: Lanes): { readonly ready: boolean; readonly reason: string } {
  if (phase !== 'running') return { ready: false, reason: `the agent is ${phase}` };
  const waiting = lanes.all.flatMap((lane, i) => (lane.state === 'running' ? [] : [`${lanes.names[i]} is ${lane.state}`]));
  return { ready: waiting.length === 0, reason: waiting.length === 0 ? 'every lane runs' : `lanes: ${waiting.join(', ')}` };
}
