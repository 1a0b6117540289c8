/**
 * What the judge knows of the world's shape. Indices are positions in these arrays; ids are the names used in logs and verdicts.
 */
import type { CheckerRules } from './checker.ts';
import type { Plan } from './plan.ts';

export interface JudgeNic {
  readonly name: string;
  readonly group: string;
  readonly anchors: readonly string[];
  /** Name of the data-plane port behind it, if the configuration names one. */
  readonly port?: string;
}

export interface JudgeRealServer {
  /** Target id (`Target.id`); unique. */
  readonly id: string;
  /** Identity over reloads; equals id in an evidence log. */
  readonly key: string;
  readonly rack?: string;
  /** Own timing where it differs from the topology's. */
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly fall?: number;
  readonly rise?: number;
  /** Left out = judged by fall and rise. */
  readonly checker?: CheckerRules;
}

export interface JudgeService {
  readonly name: string;
  /** Indices of NICs: the service's slices. */
  readonly nics: readonly number[];
  /** Indices of real servers: of one with several checks, that of the first. */
  readonly realServers: readonly number[];
  /** The further checks of real servers that have several, by position; left out = each has one. */
  readonly further?: ReadonlyMap<number, readonly number[]>;
  /** One good check of a real server is enough; left out = all must be good. */
  readonly combine?: 'any';
  readonly panic: number;
}

export interface Topology {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly fall: number;
  readonly rise: number;
  readonly nics: readonly JudgeNic[];
  readonly realServers: readonly JudgeRealServer[];
  readonly services: readonly JudgeService[];
  /** Threshold overrides by rule name. */
  readonly rules: Readonly<Record<string, number>>;
}

/** The judge's view of a NIC of a plan. */
export function judgeNic({ name, group, anchors, dataplane }: Plan['nics'][number]): JudgeNic {
  return { name, group, anchors: anchors.map(({ id }) => id), ...(dataplane === undefined ? {} : { port: dataplane }) };
}

function furtherOf({ realServers, combine }: Plan['services'][number]): Pick<JudgeService, 'further' | 'combine'> {
  const further = new Map<number, readonly number[]>();
  realServers.forEach((server, position) => server.further && further.set(position, server.further));
  return { ...(further.size === 0 ? {} : { further }), ...(combine === undefined ? {} : { combine }) };
}

function checkerOf({ checker }: Plan['targets'][number]['check']): Pick<JudgeRealServer, 'checker'> {
  if (checker === undefined) return {};
  const { kind, retry, alpha, urls, firstMs } = checker;
  return { checker: { kind, retry, alpha, urls, firstMs } };
}

/** The judge's view of a plan: global T, timeout, fall and rise are the most patient of the targets'. */
export function topologyOf(plan: Plan): Topology {
  const most = { intervalMs: 0, timeoutMs: 0, fall: 0, rise: 0 };
  const realServers = plan.targets.map((t): JudgeRealServer => {
    const { interval: intervalMs, timeout: timeoutMs, fall, rise } = t.check;
    if (intervalMs > most.intervalMs) most.intervalMs = intervalMs;
    if (timeoutMs > most.timeoutMs) most.timeoutMs = timeoutMs;
    if (fall > most.fall) most.fall = fall;
    if (rise > most.rise) most.rise = rise;
    const { id, key, rack } = t;
    const timing = { id, key, intervalMs, timeoutMs, fall, rise };
    const own = t.check.checker === undefined ? timing : { ...timing, ...checkerOf(t.check) };
    return rack === undefined ? own : { ...own, rack };
  });
  return {
    intervalMs: most.intervalMs || 1000,
    timeoutMs: most.timeoutMs || 500,
    fall: most.fall || 3,
    rise: most.rise || 2,
    nics: plan.nics.map(judgeNic),
    realServers,
    services: plan.services.map((service) => ({
      name: service.name,
      nics: service.nics,
      realServers: service.realServers.map((server) => server.target),
      ...furtherOf(service),
      panic: service.panic,
    })),
    rules: plan.rules,
  };
}
