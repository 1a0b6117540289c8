/** What the scripts of an imported configuration are told: real servers that are out, and services without quorum. Pure. */
import { baseWeight, isDown } from '../model/combined.ts';
import type { Plan, Service, ServiceNotify, ServiceRealServer } from '../model/plan.ts';
import type { Verdict, Wanted } from '../model/verdict.ts';

/**
 * What a service counts as in service, 1 by position: the real servers that are not judged down, whatever limit keeps them in,
 * where keepalived's semantics are wanted or it has a sorry server; undefined: those with a weight.
 */
export function counting({ targets }: Plan, verdicts: readonly Verdict[]): (service: Service) => ArrayLike<number> | undefined {
  // Once for all services: there may be tens of thousands of them.
  let down: Uint8Array | undefined;
  return ({ notify, realServers, combine }) => {
    if (notify?.counts !== 'alive') return undefined;
    down ??= downIn(targets, verdicts);
    return realServers.map((server) => (isDown(down!, server, combine) ? 0 : 1));
  };
}

/** 1 for each target that is judged down. */
function downIn(targets: Plan['targets'], verdicts: readonly Verdict[]): Uint8Array {
  const fallen = new Set(verdicts.filter(({ verdict }) => verdict === 'RS_DOWN').map(({ rs }) => rs));
  return fallen.size === 0 ? new Uint8Array(targets.length) : Uint8Array.from(targets, ({ id }) => (fallen.has(id) ? 1 : 0));
}

/** A service with its quorum, and what is wanted of it. */
export interface Counted {
  readonly notify: ServiceNotify;
  readonly realServers: readonly ServiceRealServer[];
  /** Of each real server what counts: not 0; undefined: all of them do. */
  readonly counted: ArrayLike<number> | undefined;
  readonly dynamic: Wanted['dynamic'];
  readonly frozen: Wanted['frozen'];
  /** Whether it had its quorum at the pass before; undefined: the first one. */
  readonly had: boolean | undefined;
}

/**
 * Whether a service has its quorum: by the full weights of the real servers that count, as keepalived has it
 * (update_quorum_state), so that a slow start changes nothing. With hysteresis it is lost below quorum - hysteresis and found
 * from quorum + hysteresis on; never found without any weight. While the agent doubts itself it stays as it was.
 */
export function hasQuorum({ notify, realServers, counted, dynamic, frozen, had }: Counted): boolean {
  if (frozen !== '') return had ?? true;
  const total = realServers.reduce((sum, server) => sum + server.weight, 0);
  // keepalived lowers what can't be reached (validate_check_config); with hysteresis too much is left to be reached there.
  const quorum = Math.min(notify.quorum, Math.max(1, total));
  const hysteresis = Math.min(notify.hysteresis, quorum - 1);
  const alive = realServers.reduce((sum, server, i) => sum + ((counted?.[i] ?? 1) > 0 ? baseWeight(server, dynamic) : 0), 0);
  return alive >= Math.max(1, had === true ? quorum - hysteresis : Math.min(quorum + hysteresis, total));
}
