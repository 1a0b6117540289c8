/** Weights of real servers: out when down, back by slow start, never below a service's floor. */
import type { Action } from '../model/verdict.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import { charge, type GovernorPass, limitName, notePanic, notes } from './governor-pass.ts';
import { putWeight, type Slot } from './governor-state.ts';
import { limitOn } from './limits/index.ts';
import { type CapacityChange, EPSILON } from './limits/limit.ts';
import { floorOf } from './limits/panic.ts';
import type { State } from './memory.ts';

/** Weights move in steps of this during slow start: an action per step, not per pass. */
const STEP = 0.1;

/** Share of its weight that a real server should have: 0 when down, a rising share after that. */
function wantedWeight({ servers, rules }: State, server: number, now: number): number {
  if (servers.verdict[server] === VERDICT.RS_DOWN) return 0;
  let weight = 1;
  if (servers.rampT[server]! > 0) {
    const done = rules.slow_start_ms === 0 ? 1 : (now - servers.rampT[server]!) / rules.slow_start_ms;
    weight = rules.slow_start_weight + (1 - rules.slow_start_weight) * Math.min(done, 1);
    weight = Math.max(rules.slow_start_weight, Math.floor(weight / STEP + EPSILON) * STEP);
    if (done >= 1) servers.rampT[server] = 0;
  }
  const most = servers.verdict[server] === VERDICT.FLAPPING ? rules.flapping_weight : 1;
  return Math.min(weight, most);
}

function weightAction({ topology }: State, { service, position }: Slot, weight: number): Action {
  const { name, realServers } = topology.services[service]!;
  const rs = topology.realServers[realServers[position]!]!.id;
  return { action: 'set_real_server', service: name, rs, weight: Math.round(weight * 1000) / 1000 };
}

function setWeight({ state, governor, report }: GovernorPass, server: number, slot: Slot, weight: number): void {
  putWeight(governor, slot, weight);
  governor.heldWeight[slot.service]![slot.position] = 0;
  report.done(weightAction(state, slot, weight), server);
}

/** Gives weight back. */
export function raiseWeight(pass: GovernorPass, server: number, slot: Slot): boolean {
  const weight = Math.fround(wantedWeight(pass.state, server, pass.now));
  if (weight > pass.governor.wanted.weight[slot.service]![slot.position]!) setWeight(pass, server, slot, weight);
  return false;
}

/** Takes a real server that is down out of a service. */
export function lowerWeight(pass: GovernorPass, server: number, slot: Slot): boolean {
  const { state, governor } = pass;
  const { service, position } = slot;
  const present = governor.wanted.weight[service]![position]!;
  if (state.servers.verdict[server] !== VERDICT.RS_DOWN || present === 0) {
    governor.heldWeight[service]![position] = 0;
    return present !== 1;
  }
  const inService = governor.pathsOn[service]![position]! > 0;
  const change: CapacityChange = {
    kind: 'server',
    service,
    subject: server,
    cost: inService ? 1 : 0,
    agentCost: 1,
    removes: inService,
    free: false,
  };
  const limit = limitOn(change, pass);
  if (limit !== 0) {
    notePanic(pass, service, limit);
    if (notes(governor.heldWeight[service]!, position, limit))
      pass.report.held(weightAction(state, slot, 0), limitName(limit), server);
    return true;
  }
  charge(pass, change);
  setWeight(pass, server, slot, 0);
  return true;
}

/** After a reload a service may have fewer real servers in service than its floor: the least bad come back. */
export function keepFloors(pass: GovernorPass): void {
  const { state, governor } = pass;
  const { enabled, wanted, pathsOn } = governor;
  for (let service = 0; service < enabled.length; service++) {
    const missing = floorOf(state, service) - enabled[service]!;
    if (missing <= 0) continue;
    const out = state.topology.services[service]!.realServers.flatMap((server, position) => {
      const usable = wanted.weight[service]![position] === 0 && pathsOn[service]![position]! > 0;
      return usable ? [{ server, position }] : [];
    });
    const { at } = state.servers;
    out.sort(
      (a, b) => badness(state, a.server) - badness(state, b.server) || at[b.server]! - at[a.server]! || a.server - b.server,
    );
    for (const { server, position } of out.slice(0, missing)) setWeight(pass, server, { service, position }, 1);
  }
}

/** Which of two real servers that are down is worse: one that answers wrongly is better than one that refuses or is silent. */
export function badness({ servers }: State, server: number): number {
  if (servers.verdict[server] !== VERDICT.RS_DOWN) return 0;
  const cause = servers.cause[server]!;
  return cause === CAUSE.l7 ? 1 : cause === CAUSE.refused ? 2 : 3;
}
