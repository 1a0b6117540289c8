/** What several checks of one real server say together. */
import { type Service, type ServiceRealServer, targetsOf } from './plan.ts';

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
