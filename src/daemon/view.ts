/** What the HTTP door sees of the running agent: a thin reading of the parts, no state of its own. */
import type { Reconciler } from '../act/reconciler.ts';
import type { Runner } from '../collect/runner.ts';
import type { TransitionLog } from '../report/history.ts';
import type { AgentView, ReloadResult } from '../report/view.ts';
import { cells, loss } from '../judge/read.ts';
import { LaneFamilies } from '../lanes/families.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Family } from '../model/family.ts';
import type { Plan } from '../model/plan.ts';
import { wallOffsetMs } from '../sys/clock.ts';
import type { Telemetry } from '../otel/telemetry.ts';
import type { LinkMonitor } from '../sys/link-monitor.ts';
import type { Loop } from './loop.ts';

export interface ViewParts {
  readonly version: string;
  readonly clock: () => number;
  readonly plan: () => Plan;
  readonly phase: () => 'starting' | 'running' | 'stopping';
  readonly lastReload: () => ReloadResult & { readonly t: number };
  readonly reload: () => Promise<ReloadResult>;
  readonly loop: Loop;
  readonly lanes: Lanes;
  readonly links: LinkMonitor;
  readonly runner: Runner;
  readonly reconciler: Reconciler;
  readonly telemetry: Pick<Telemetry, 'families'>;
  readonly history: TransitionLog;
  readonly stateError: () => string;
  readonly evidenceDropped: () => number;
  readonly logDropped: () => number;
}

/** The view over these parts. */
export function makeView(p: ViewParts): AgentView {
  const startedAt = p.clock();
  const laneFamilies = new LaneFamilies(p.lanes, p.clock);
  return {
    version: p.version,
    startedAt,
    now: p.clock,
    wallOffsetMs,
    plan: p.plan,
    phase: p.phase,
    ready: () => {
      const waiting = p.lanes.all.flatMap((lane, i) =>
        lane.state === 'running' ? [] : [`${p.lanes.names[i]} is ${lane.state}`],
      );
      if (p.phase() !== 'running') return { ready: false, reason: `the agent is ${p.phase()}` };
      return { ready: waiting.length === 0, reason: waiting.length === 0 ? 'every lane runs' : `lanes: ${waiting.join(', ')}` };
    },
    lastReload: p.lastReload,
    nics: () =>
      p.plan().nics.map((nic, i) => {
        const link = p.links.state(nic.device);
        const share = loss(p.loop.state, i);
        return { carrier: link.carrier, carrierChanges: link.changes, ...(Number.isNaN(share) ? {} : { loss: share }) };
      }),
    cells: () => cells(p.loop.state),
    wanted: () => p.loop.state.wanted,
    verdicts: () => p.loop.verdicts(),
    why: (subject) => p.loop.why(subject),
    history: p.history,
    families: () => [
      ...laneFamilies.families(),
      ...p.reconciler.families(),
      ...p.runner.families(),
      ...p.telemetry.families(),
      ...ownFamilies(p),
    ],
    collectors: () => p.runner.status(),
    reload: p.reload,
  };
}

const NONE: readonly (readonly string[])[] = [[]];

function ownFamilies(p: ViewParts): readonly Family[] {
  // The soonest expiry of each real server: several ssl profiles may see several certificates.
  const certificates = new Map<string, number>();
  for (const target of p.plan().targets) {
    const notAfter = p.lanes.certificates.get(target.key);
    const known = certificates.get(target.realServer) ?? Infinity;
    if (notAfter !== undefined) certificates.set(target.realServer, Math.min(known, notAfter / 1000));
  }
  const single = (name: string, help: string, type: 'gauge' | 'counter', value: number): Family => ({
    name,
    help,
    type,
    labelNames: [],
    rows: NONE,
    values: [value],
  });
  return [
    {
      name: 'fourlane_judge_duration_seconds',
      help: 'Duration of judge passes.',
      type: 'histogram',
      labelNames: [],
      rows: NONE,
      bounds: p.loop.durationBounds,
      values: p.loop.durations,
    },
    single('fourlane_state_save_failed', '1 while the state file cannot be written.', 'gauge', Number(p.stateError() !== '')),
    single(
      'fourlane_evidence_dropped_total',
      'Evidence log lines not written because the disk was too slow or failed.',
      'counter',
      p.evidenceDropped(),
    ),
    single(
      'fourlane_log_dropped_total',
      "Lines of the agent's own log that were dropped because too many waited to be read.",
      'counter',
      p.logDropped(),
    ),
    {
      name: 'fourlane_certificate_not_after_timestamp_seconds',
      help: 'Expiry of the certificate that ssl checks of a real server saw; the soonest of several.',
      type: 'gauge',
      labelNames: ['real_server'],
      rows: [...certificates.keys()].map((realServer) => [realServer]),
      values: [...certificates.values()],
    },
  ];
}
