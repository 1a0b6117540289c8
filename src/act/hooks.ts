/** What the scripts of an imported configuration are told: real servers that are out, and services without quorum. Pure. */
import { baseWeight, isDown } from '../model/combined.ts';
import type { Plan, Service, ServiceNotify, ServiceRealServer } from '../model/plan.ts';
import type { Verdict, Wanted } from '../model/verdict.ts';

/**
 * What the scripts of a service count as in service, 1 by position: the real servers that are not judged down where keepalived's
 * semantics are wanted, whatever limit keeps them in; else those with a weight.
 */
export function countedOf(
  { targets }: Plan,
  { notify, realServers, combine }: Service,
  verdicts: readonly Verdict[],
): ArrayLike<number> | undefined {
  if (notify?.counts !== 'alive') return undefined;
  const fallen = new Set(verdicts.filter(({ verdict }) => verdict === 'RS_DOWN').map(({ rs }) => rs));
  if (fallen.size === 0) return realServers.map(() => 1);
  const down = Uint8Array.from(targets, ({ id }) => (fallen.has(id) ? 1 : 0));
  return realServers.map((server) => (isDown(down, server, combine) ? 0 : 1));
}

/** A service with its scripts, and what is wanted of it. */
export interface Counted {
  readonly notify: ServiceNotify;
  readonly realServers: readonly ServiceRealServer[];
  /** Fraction of the weight of each real server; undefined: all of it. */
  readonly weights: ArrayLike<number> | undefined;
  readonly dynamic: Wanted['dynamic'];
  /** Whether it had its quorum at the pass before; undefined: the first one. */
  readonly had: boolean | undefined;
}

/**
 * Whether a service has its quorum: by the full weights of the real servers in service, as keepalived counts, which a slow start
 * does not change. With hysteresis it is lost below quorum - hysteresis and found from quorum + hysteresis on.
 */
export function hasQuorum({ notify, realServers, weights, dynamic, had }: Counted): boolean {
  const total = realServers.reduce((sum, server) => sum + server.weight, 0);
  // keepalived lowers what can't be reached (validate_check_config).
  const quorum = Math.min(notify.quorum, Math.max(1, total));
  const hysteresis = Math.min(notify.hysteresis, quorum - 1);
  const alive = realServers.reduce((sum, server, i) => sum + ((weights?.[i] ?? 1) > 0 ? baseWeight(server, dynamic) : 0), 0);
  return alive >= (had === false ? Math.min(quorum + hysteresis, total) : had === true ? quorum - hysteresis : quorum);
}
