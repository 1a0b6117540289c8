/**
 * What the judge knows of the world's shape. Indices are positions in these arrays; ids are the names used in logs and verdicts.
 */
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

/** The judge's view of a plan: global T, timeout, fall and rise are the most patient of the targets'. */
export function topologyOf(plan: Plan): Topology {
  const most = (pick: (t: Plan['targets'][number]) => number, none: number) =>
    plan.targets.reduce((most, t) => Math.max(most, pick(t)), 0) || none;
  return {
    intervalMs: most((t) => t.check.interval, 1000),
    timeoutMs: most((t) => t.check.timeout, 500),
    fall: most((t) => t.check.fall, 3),
    rise: most((t) => t.check.rise, 2),
    nics: plan.nics.map(judgeNic),
    realServers: plan.targets.map((t) => ({
      id: t.id,
      key: t.key,
      ...(t.rack === undefined ? {} : { rack: t.rack }),
      intervalMs: t.check.interval,
      timeoutMs: t.check.timeout,
      fall: t.check.fall,
      rise: t.check.rise,
    })),
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
