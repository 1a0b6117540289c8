/** All rules of the edge. A new one is one entry in the list of its family. */
import type { Plan } from '../../model/plan.ts';
import { expectedSet } from '../expected.ts';
import { parsePrefix } from '../prefix.ts';
import { clusterPrefix, serverPlan, shapeOf, snatPlan } from '../snat-plan.ts';
import { ADDRESSES } from './addresses.ts';
import { ANNOUNCED } from './announced.ts';
import { CLUSTER } from './cluster.ts';
import type { AnyRule, Edge, Level, Seen, Used } from './rule.ts';
import { SHAPE } from './shape.ts';

export const EDGE_RULES: readonly AnyRule[] = [...SHAPE, ...ADDRESSES, ...ANNOUNCED, ...CLUSTER].toSorted((a, b) =>
  a.code < b.code ? -1 : Number(a.code > b.code),
);

export interface EdgeFinding {
  readonly code: string;
  readonly name: string;
  readonly level: Level;
  readonly message: string;
  readonly fix: string;
}

/** What the rules found, and the codes of those that could not look. */
export interface EdgeReport {
  readonly findings: readonly EdgeFinding[];
  /** By code: what was not known. */
  readonly skipped: ReadonlyMap<string, readonly string[]>;
}

/** The configuration as the rules see it; undefined without a SNAT plan. */
export function edgeOf(config: Pick<Plan, 'snat' | 'bgp' | 'nics' | 'services' | 'targets'>): Edge | undefined {
  const { snat } = config;
  if (snat === undefined) return undefined;
  const plan = snatPlan(shapeOf(snat));
  return {
    snat,
    plan,
    own: serverPlan(plan, snat.server),
    cluster: clusterPrefix(plan),
    expected: expectedSet(config),
    used: usedBy(config),
    vips: config.bgp?.vips ?? [],
  };
}

function usedBy({ nics, services, targets }: Pick<Plan, 'nics' | 'services' | 'targets'>): readonly Used[] {
  const used = (ip: string, what: string): Used[] => {
    const prefix = parsePrefix(ip);
    return prefix === undefined ? [] : [{ prefix, what }];
  };
  const vipOf = (vip: string) => /^\[?([^\]]+?)\]?:\d+\//.exec(vip)?.[1] ?? '';
  return [
    ...nics.flatMap((nic) => nic.anchors.flatMap((anchor) => used(anchor.address.ip, `anchor ${anchor.id} of ${nic.name}`))),
    ...services.flatMap((service) => used(vipOf(service.vip), `service ${service.name}`)),
    ...targets.flatMap(({ address, realServer }) => used(address.ip, `real server ${realServer}`)),
  ];
}

/** Runs every rule that knows what it needs. */
export function lintEdge(edge: Edge, seen: Seen): EdgeReport {
  const findings: EdgeFinding[] = [];
  const skipped = new Map<string, readonly string[]>();
  for (const { code, name, level, fix, needs, find } of EDGE_RULES) {
    const unknown = needs.filter((fact) => seen[fact] === undefined);
    if (unknown.length > 0) skipped.set(code, unknown);
    else
      findings.push(
        ...find(edge, seen).map((found) => ({ code, name, fix, level: found.level ?? level, message: found.message })),
      );
  }
  return { findings, skipped };
}
