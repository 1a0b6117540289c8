/** What several checks of one real server say together. */
import { type Service, type ServiceRealServer, targetsOf } from './plan.ts';
import type { Wanted } from './verdict.ts';

type Combine = Service['combine'];

/** Whether a real server is down when these targets are (1 by index): one of its checks is, or each where any is enough. */
export function isDown(down: ArrayLike<number>, server: ServiceRealServer, combine: Combine): boolean {
  if (server.further === undefined) return down[server.target] === 1;
  const targets = targetsOf(server);
  return combine === 'any' ? targets.every((target) => down[target] === 1) : targets.some((target) => down[target] === 1);
}

/**
 * The check whose verdict is that of the real server: the worst one, the best one where any is enough.
 * @param badness of a target: 0 = no verdict, the higher the worse
 * @returns an index into `Plan.targets`; the first of equals
 */
export function decidingTarget(server: ServiceRealServer, combine: Combine, badness: (target: number) => number): number {
  if (server.further === undefined) return server.target;
  return targetsOf(server).reduce((best, target) => {
    const worse = badness(target) - badness(best);
    return (combine === 'any' ? worse < 0 : worse > 0) ? target : best;
  });
}

/** The greatest weight of IPVS and DPVS. */
export const MOST_WEIGHT = 65_535;

/**
 * The weight of a real server while nothing is wrong: the configured one and what its checks make of it. A check that gives a
 * weight adds the difference from the configured one, so that several add up, as keepalived's do; 0 to 65535.
 */
export function baseWeight(server: ServiceRealServer, { by, value }: Wanted['dynamic']): number {
  const changeBy = (target: number) =>
    by[target] === 1 ? value[target]! - server.weight : by[target] === 2 ? value[target]! : 0;
  let change = changeBy(server.target);
  if (server.further !== undefined) for (const target of server.further) change += changeBy(target);
  return change === 0 ? server.weight : Math.min(Math.max(server.weight + change, 0), MOST_WEIGHT);
}
