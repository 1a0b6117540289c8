/** Weights of real servers: out when down, back by slow start, never below a service's floor. */
import type { Action } from '../model/verdict.ts';
import { charge, type GovernorPass, limitName, notePanic, notes } from './governor-pass.ts';
import { putWeight, type Slot } from './governor-state.ts';
import { limitOn } from './limits/index.ts';
import type { CapacityChange } from './limits/limit.ts';
import { floorOf } from './limits/panic.ts';
import { badnessAt, isDownAt, judgedAt, wantedWeight } from './members.ts';
import type { State } from './memory.ts';

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
  const weight = Math.fround(wantedWeight(pass.state, slot, pass.now));
  if (weight > pass.governor.wanted.weight[slot.service]![slot.position]!) setWeight(pass, server, slot, weight);
  return false;
}

/** Takes a real server that is down out of a service. */
export function lowerWeight(pass: GovernorPass, server: number, slot: Slot): boolean {
  const { state, governor } = pass;
  const { service, position } = slot;
  const present = governor.wanted.weight[service]![position]!;
  if (present === 0 || !isDownAt(state, slot)) {
    governor.heldWeight[service]![position] = 0;
    return present !== 1;
  }
  const inService = governor.pathsOn[service]![position]! > 0;
  const change: CapacityChange = {
    kind: 'server',
    service,
    // By whichever check: the real server is charged once.
    subject: state.topology.services[service]!.realServers[position]!,
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
      const slot = { service, position };
      return usable ? [{ server, slot, bad: badnessAt(state, slot), at: judgedAt(state, slot) }] : [];
    });
    out.sort((a, b) => a.bad - b.bad || b.at - a.at || a.server - b.server);
    for (const { server, slot } of out.slice(0, missing)) setWeight(pass, server, slot, 1);
  }
}
