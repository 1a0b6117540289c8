/** The agent's state as plain JSON: what the API answers, the command line prints and the status page draws. */
import { CAUSES, OUTCOMES } from '../model/outcome.ts';
import { baseWeight, isDown } from '../model/combined.ts';
import { type Plan, type ServiceRealServer, targetsOf } from '../model/plan.ts';
import { effectText } from '../model/subject.ts';
import { LINK_STATES, type LinkState, type Transition, type Verdict } from '../model/verdict.ts';
import type { Level, VerdictName } from '../model/verdicts.ts';
import {
  type AgentState,
  agentState,
  type CellState,
  cellState,
  countCells,
  downTargets,
  type Standing,
  standing,
  targetIndex,
} from './state.ts';
import { bySeverity, commandFor, indexVerdicts, levelOf, memberVerdict, sliceEnabled, type VerdictIndex } from './verdicts.ts';
import { type AgentView, BAD, GOOD, type PendingView } from './view.ts';

/** `since` as ISO 8601 wall time; `command` is the first thing to type about it. */
export interface VerdictReport extends Omit<Verdict, 'since'> {
  readonly level: Level;
  readonly since: string;
  readonly forSeconds: number;
  readonly command: string;
}

export interface TransitionReport extends VerdictReport {
  readonly time: string;
  readonly previous: string;
  readonly actions: Transition['actions'];
  readonly blocked: Transition['blocked'];
}

export interface NicReport {
  readonly name: string;
  readonly device: string;
  readonly group: string;
  /** The kernel's. */
  readonly carrier: LinkState;
  /** The data-plane port behind it, where the configuration names one. */
  readonly port?: { readonly name: string; readonly link: LinkState };
  readonly verdict: VerdictName;
  readonly cause: string;
  readonly level: Level;
  readonly enabled: boolean;
  readonly cells: Record<CellState, number>;
  /** Of the last round trips of all its targets; null when none was measured. */
  readonly rttSeconds: { readonly p50: number; readonly p99: number } | null;
  readonly lossRatio: number | null;
}

/** One of several checks of a real server. */
export interface CheckReport {
  readonly target: string;
  readonly type: string;
  readonly verdict: VerdictName;
  readonly cause: string;
}

export interface MemberReport {
  readonly realServer: string;
  readonly target: string;
  readonly rack?: string;
  readonly state: Standing;
  readonly verdict: VerdictName;
  readonly cause: string;
  /** Of a real server with several checks: what is judged of each. `target` names it after the first. */
  readonly checks?: readonly CheckReport[];
  readonly weight: { readonly configured: number; readonly wanted: number };
}

export interface ServiceReport {
  readonly name: string;
  readonly vip: string;
  readonly up: boolean;
  readonly panic: boolean;
  /** Real servers with a weight above 0. */
  readonly enabled: number;
  readonly total: number;
  readonly states: Record<Standing, number>;
  readonly slices: readonly { readonly nic: string; readonly enabled: boolean }[];
  /** All of them, or only those that are not as configured: as asked for. */
  readonly realServers: readonly MemberReport[];
}

/** A source of metrics. `reason`: why it is absent or failed, else empty. */
export interface SourceReport {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  /** Of the last reading with data; null when there was none. */
  readonly lastData: string | null;
}

/** A wanted effect that is not in place; `since` as ISO 8601 wall time. */
export interface PendingReport extends Omit<PendingView, 'since'> {
  readonly since: string;
  readonly forSeconds: number;
}

/** null = none is known. */
export interface ReleaseReport {
  readonly state: string;
  readonly ring: string | null;
  readonly target: VersionReport | null;
  readonly running: VersionReport | null;
  readonly lastGood: string | null;
  /** The maintenance that holds it. */
  readonly held: string | null;
  /** Why it is not applied, or not reported to the cluster. */
  readonly problems: readonly string[];
}

interface VersionReport {
  readonly release: number;
  readonly root: string;
}

function releaseOf(view: AgentView): { readonly release?: ReleaseReport } {
  const found = view.release();
  if (found === undefined) return {};
  const { state, ring = null, lastGood = null, held = null, problems } = found;
  const version = (root: string | undefined, release = 0) => (root === undefined ? null : { release, root });
  const target = version(found.target, found.targetRelease);
  const running = version(found.running, found.runningRelease);
  return { release: { state, ring, target, running, lastGood, held, problems } };
}

export interface StatusReport {
  readonly cluster: string;
  readonly server: string;
  readonly version: string;
  readonly state: AgentState;
  readonly ready: boolean;
  readonly reason: string;
  readonly time: string;
  readonly uptimeSeconds: number;
  readonly revision: string;
  readonly lastReload: { readonly ok: boolean; readonly message: string; readonly time: string };
  /** Left out = releases of a cluster are not followed. */
  readonly release?: ReleaseReport;
  /** Present verdicts, most severe first, without their evidence: `why` has it. */
  readonly verdicts: readonly Omit<VerdictReport, 'evidence'>[];
  readonly nics: readonly NicReport[];
  /** Real servers (checks of them, where one has several) that some service uses. */
  readonly realServers: { readonly total: number; readonly up: number };
  readonly services: readonly ServiceReport[];
  /**
   * Effects that are wanted but not in place: how many, how many of them failed or can't be put in place, and the 20 oldest,
   * those that can't first.
   */
  readonly pending: { readonly total: number; readonly failing: number; readonly longest: readonly PendingReport[] };
  /** Collectors that are not switched off. */
  readonly sources: readonly SourceReport[];
}

/** ISO 8601 wall time of a monotonic ms. */
export function wallTime(view: AgentView, t: number): string {
  return new Date(Math.round(t + view.wallOffsetMs())).toISOString();
}

export function reportVerdict(view: AgentView, verdict: Verdict): VerdictReport {
  return {
    ...verdict,
    level: levelOf(verdict.verdict),
    since: wallTime(view, verdict.since),
    forSeconds: Math.max(0, Math.round(view.now() - verdict.since) / 1000),
    command: commandFor(verdict),
  };
}

export function reportTransition(view: AgentView, transition: Transition): TransitionReport {
  const { t, previous, actions, blocked, ...verdict } = transition;
  return { ...reportVerdict(view, verdict), time: wallTime(view, t), previous, actions, blocked };
}

/** Percentiles are taken from at most this many targets, evenly spread: sorting all of a big topology would hold up the judge. */
const RTT_SAMPLE = 4096;

/** Of the last round trips of NIC number `nic`; null when none was measured. */
function rttPercentiles(view: AgentView, nic: number): NicReport['rttSeconds'] {
  const width = view.plan().targets.length;
  const { rttUs } = view.cells();
  const step = Math.max(1, width / RTT_SAMPLE);
  const rtts = Float64Array.from({ length: Math.floor(width / step) }, (_, k) => rttUs[nic * width + Math.floor(k * step)] ?? 0)
    .filter((rtt) => rtt > 0)
    .sort();
  const rank = (p: number) => rtts[Math.ceil(p * rtts.length) - 1]! / 1e6;
  return rtts.length === 0 ? null : { p50: rank(0.5), p99: rank(0.99) };
}

function reportNics(view: AgentView, index: VerdictIndex): NicReport[] {
  const nics = view.nics();
  return view.plan().nics.map((nic, i) => {
    const { carrier = -1, loss, portLink = -1 } = nics[i] ?? {};
    const v = index.nic.get(nic.name);
    return {
      name: nic.name,
      device: nic.device,
      group: nic.group,
      carrier: LINK_STATES[carrier + 1]!,
      ...(nic.dataplane === undefined ? {} : { port: { name: nic.dataplane, link: LINK_STATES[portLink + 1]! } }),
      verdict: v?.verdict ?? 'OK',
      cause: v?.cause ?? 'none',
      level: levelOf(v?.verdict ?? 'OK'),
      enabled: view.wanted().nicEnabled[i] === 1,
      cells: countCells(view, i),
      rttSeconds: rttPercentiles(view, i),
      lossRatio: loss ?? null,
    };
  });
}

function reportServices(view: AgentView, index: VerdictIndex, down: Uint8Array, members: Members): ServiceReport[] {
  const plan = view.plan();
  const wanted = view.wanted();
  return plan.services.map((service, i) => {
    const states = { up: 0, down: 0, held: 0 };
    const realServers: MemberReport[] = [];
    let enabled = 0;
    for (let r = 0; r < service.realServers.length; r++) {
      const member = service.realServers[r]!;
      const { target, weight } = member;
      const fraction = wanted.weight[i]?.[r] ?? 0;
      const state = standing(isDown(down, member, service.combine), fraction);
      states[state]++;
      const base = baseWeight(member, wanted.dynamic);
      if (base * fraction > 0) enabled++;
      if (members === 'altered' && state === 'up' && fraction === 1 && base === weight) continue;
      const { id, realServer, rack } = plan.targets[target]!;
      const v = memberVerdict(plan, index, member, service.combine);
      realServers.push({
        realServer,
        target: id,
        ...(rack === undefined ? {} : { rack }),
        state,
        verdict: v?.verdict ?? 'OK',
        cause: v?.cause ?? 'none',
        ...reportChecks(plan, index, member),
        weight: { configured: weight, wanted: Math.round(base * fraction * 100) / 100 },
      });
    }
    const slices = service.nics.map((nic, k) => ({ nic: plan.nics[nic]!.name, enabled: sliceEnabled(plan, wanted, i, k) }));
    return {
      name: service.name,
      vip: service.vip,
      up: states.up > 0 && slices.some((slice) => slice.enabled),
      panic: wanted.panic[i] === 1,
      enabled,
      total: service.realServers.length,
      states,
      slices,
      realServers,
    };
  });
}

function reportChecks({ targets }: Plan, index: VerdictIndex, member: ServiceRealServer): Pick<MemberReport, 'checks'> {
  if (member.further === undefined) return {};
  const checks = targetsOf(member).map((target): CheckReport => {
    const { id, check } = targets[target]!;
    const { verdict = 'OK', cause = 'none' } = index.rs.get(id) ?? {};
    return { target: id, type: check.type, verdict, cause };
  });
  return { checks };
}

function reportPending(view: AgentView): StatusReport['pending'] {
  const { total, failing, longest } = view.pending();
  const forSeconds = (since: number) => Math.max(0, Math.round(view.now() - since) / 1000);
  return {
    total,
    failing,
    longest: longest.map((p) => ({ ...p, since: wallTime(view, p.since), forSeconds: forSeconds(p.since) })),
  };
}

/** `real server 10.1.0.1:80 of web: weight 0, in place weight 100`, `NIC eth2: failed, in place ok`. */
export function pendingText(pending: PendingReport): string {
  const { wanted, weight, actual } = pending;
  return `${effectText(pending)}: ${weight === undefined ? wanted : `weight ${weight}`}, in place ${actual}`;
}

/** Which real servers of a service to list: tens of thousands take their time. */
export type Members = 'all' | 'altered';

/** Everything `fourlane status` shows. */
export function reportStatus(view: AgentView, members: Members = 'all'): StatusReport {
  const plan = view.plan();
  const index = indexVerdicts(view.verdicts());
  const down = downTargets(targetIndex(plan), index);
  const used = new Uint8Array(plan.targets.length);
  for (const { realServers } of plan.services)
    for (const server of realServers) for (const target of targetsOf(server)) used[target] = 1;
  const total = used.reduce((sum, u) => sum + u, 0);
  const { ok, message, t } = view.lastReload();
  return {
    cluster: plan.cluster,
    server: plan.server,
    version: view.version,
    state: agentState(view),
    ...view.ready(),
    time: wallTime(view, view.now()),
    uptimeSeconds: Math.round(view.now() - view.startedAt) / 1000,
    revision: plan.revision,
    lastReload: { ok, message, time: wallTime(view, t) },
    ...releaseOf(view),
    verdicts: bySeverity(view.verdicts()).map((v) => {
      const { evidence: _, ...rest } = reportVerdict(view, v);
      return rest;
    }),
    nics: reportNics(view, index),
    realServers: { total, up: total - down.reduce((sum, d, j) => sum + (d & used[j]!), 0) },
    services: reportServices(view, index, down, members),
    pending: reportPending(view),
    sources: view
      .collectors()
      .filter((collector) => collector.state !== 'off')
      .map(({ name, state, reason, lastData }) => ({
        name,
        state,
        reason,
        lastData: Number.isNaN(lastData) ? null : wallTime(view, lastData),
      })),
  };
}

export interface CellReport {
  readonly nic: string;
  readonly rs: string;
  readonly state: CellState;
  readonly link: 'ok' | 'fail' | 'unknown';
  readonly service: 'ok' | 'fail' | 'unknown';
  /** Of the last probe; null when there was none yet. */
  readonly outcome: string | null;
  /** Why, when that is known; `quarantined`: it is not probed for a while because a probe of it held its lane. */
  readonly cause: string | null;
  readonly rttSeconds: number | null;
  readonly ageSeconds: number | null;
}

/** The last probe of a cell in a word; undefined when there was none yet. */
export function lastProbe({ outcome, cause }: Pick<CellReport, 'outcome' | 'cause'>): string | undefined {
  return cause === 'quarantined' ? cause : (outcome ?? undefined);
}

const word = (state: number | undefined) => (state === GOOD ? 'ok' : state === BAD ? 'fail' : 'unknown');

/** The cell of NIC number `nic` and target number `target`. */
export function reportCell(view: AgentView, nic: number, target: number): CellReport {
  const plan = view.plan();
  const cells = view.cells();
  const i = nic * plan.targets.length + target;
  const probed = (cells.t[i] ?? 0) > 0;
  const rtt = cells.rttUs[i] ?? 0;
  return {
    nic: plan.nics[nic]!.name,
    rs: plan.targets[target]!.id,
    state: cellState(cells.link[i], cells.service[i], cells.outcome[i]),
    link: word(cells.link[i]),
    service: word(cells.service[i]),
    outcome: probed ? (OUTCOMES[cells.outcome[i]!] ?? null) : null,
    cause: probed && cells.cause[i]! > 0 ? (CAUSES[cells.cause[i]!] ?? null) : null,
    rttSeconds: rtt > 0 ? rtt / 1e6 : null,
    ageSeconds: probed ? Math.max(0, Math.round(view.now() - cells.t[i]!) / 1000) : null,
  };
}
