/** The running agent as reports and families see it: a thin reading of the parts, no state of its own. */
import { valueText } from '../act/not-in-place.ts';
import { type PendingEffect, withoutPaths } from '../act/report.ts';
import type { Reconciler } from '../act/reconciler.ts';
import type { Runner } from '../collect/runner.ts';
import type { JudgeState } from '../judge/judge.ts';
import { cells, loss, portLink } from '../judge/read.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { TransitionLog } from '../report/history.ts';
import type { AgentView, NicView, PendingView, Phase } from '../report/view.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import type { LinkMonitor } from '../sys/link-monitor.ts';
import type { Clustering } from './clustering.ts';
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
  readonly clustering: Pick<Clustering, 'status'>;
  readonly reconciler: Pick<Reconciler, 'pending' | 'pendingCount' | 'unsupported' | 'failingCount'>;
}

/** Effects not in place that are shown one by one. */
const MOST_PENDING = 20;
/** Findings that are shown. */
const MOST_FINDINGS = 500;

/** The view over these parts. */
export function makeView(parts: ViewParts): AgentView {
  return {
    version: parts.version,
    startedAt: parts.clock(),
    now: parts.clock,
    wallOffsetMs,
    plan: () => parts.plans.plan,
    phase: () => parts.life.phase,
    ready: () => readiness(parts.life.phase, parts.lanes),
    lastReload: () => parts.plans.last,
    release: () => parts.clustering.status,
    nics: () =>
      parts.plans.plan.nics.map((nic, i) => {
        const link = parts.links.state(nic.device);
        return { carrier: link.carrier, carrierChanges: link.changes, ...judged(parts.loop.state, i) };
      }),
    cells: () => cells(parts.loop.state),
    wanted: () => parts.loop.state.wanted,
    verdicts: () => parts.loop.verdicts(),
    why: (subject) => parts.loop.why(subject),
    history: parts.history,
    pending: () => {
      const { reconciler } = parts;
      const impossible = reconciler.unsupported();
      const oldest = [...impossible.slice(0, MOST_PENDING), ...reconciler.pending(MOST_PENDING)].slice(0, MOST_PENDING);
      return {
        total: reconciler.pendingCount() + impossible.length,
        failing: reconciler.failingCount(),
        longest: oldest.map(pendingView),
      };
    },
    collectors: () => parts.runner.status(),
    findings: () => parts.runner.findings(MOST_FINDINGS),
  };
}

/** What the judge knows of a NIC. */
export function judged(state: JudgeState, nic: number): Pick<NicView, 'loss' | 'portLink'> {
  const share = loss(state, nic);
  const link = portLink(state, nic);
  return { ...(Number.isNaN(share) ? {} : { loss: share }), ...(link === undefined ? {} : { portLink: link }) };
}

function readiness(phase: Phase, lanes: Lanes): { readonly ready: boolean; readonly reason: string } {
  if (phase !== 'running') return { ready: false, reason: `the agent is ${phase}` };
  const waiting = lanes.all.flatMap((lane, i) => (lane.state === 'running' ? [] : [`${lanes.names[i]} is ${lane.state}`]));
  return { ready: waiting.length === 0, reason: waiting.length === 0 ? 'every lane runs' : `lanes: ${waiting.join(', ')}` };
}

/** Whoever reads the status may see it. */
function pendingView({ effect, state, actual, since, failures, error }: PendingEffect): PendingView {
  const { spec, kind, service, nic, realServer, state: wanted, weight } = effect;
  return {
    actuator: spec.type,
    kind,
    ...(service === undefined ? {} : { service }),
    ...(nic === undefined ? {} : { nic }),
    ...(realServer === undefined ? {} : { realServer }),
    wanted,
    ...(weight === undefined ? {} : { weight }),
    actual: valueText(actual),
    state,
    since,
    failures,
    error: withoutPaths(error),
  };
}
