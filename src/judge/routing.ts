/** R15: BFD with the routers behind a NIC stands beside its anchors, and speaks when a session outlives it. */
import { BAD, GOOD, type State, UNKNOWN } from './memory.ts';

/**
 * GOOD or BAD by BFD with the NIC's routers, UNKNOWN when nobody has it, it was never up, or the last fact is too old. A peer
 * without BFD of its own never brings it up, and so proves nothing.
 */
export function bfdState(state: State, nic: number, now: number): number {
  const { nics } = state;
  if (nics.bfd[nic] === -1 || nics.bfdEver[nic] === 0 || !isFresh(state, nic, now)) return UNKNOWN;
  return nics.bfd[nic] === 1 ? GOOD : BAD;
}

/** Whether there is a fact that counts. */
function isFresh({ nics, rules }: State, nic: number, now: number): boolean {
  return nics.routingT[nic]! > 0 && now - nics.routingT[nic]! <= rules.routing_fresh_ms;
}

/** Whether a session is established over a path that BFD finds dead: it will carry traffic into nothing. */
export function isDeceived(state: State, nic: number, now: number): boolean {
  return state.nics.bgpSession[nic] === 1 && bfdState(state, nic, now) === BAD;
}

/** For evidence; empty without a fact that counts. */
export function routingNumbers(state: State, nic: number, now: number): Readonly<Record<string, number>> {
  const { nics } = state;
  if (!isFresh(state, nic, now)) return {};
  return { bgp_established: nics.bgpSession[nic]!, ...(nics.bfd[nic] === -1 ? {} : { bfd_up: nics.bfd[nic]! }) };
}
