/** Paths: a real server leaves the slice of the NIC that cannot use it, and comes back all at once. */
import type { Action } from '../model/verdict.ts';
import { charge, type GovernorPass, limitName, nicOf, notePanic, notes } from './governor-pass.ts';
import { pathAt, type PathSlot, putPath, type Slot } from './governor-state.ts';
import { limitOn } from './limits/index.ts';
import type { CapacityChange } from './limits/limit.ts';
import { isPathFaultAt } from './members.ts';
import type { State } from './memory.ts';
import { pathKey } from './subjects.ts';

function pathAction({ topology }: State, cell: number, { service, position }: Slot, on: boolean): Action {
  const { nics, realServers, services } = topology;
  const nic = Math.floor(cell / realServers.length);
  return {
    action: on ? 'enable_path' : 'disable_path',
    service: services[service]!.name,
    nic: nics[nic]!.name,
    rs: realServers[services[service]!.realServers[position]!]!.id,
  };
}

function setPath({ state, governor, report }: GovernorPass, cell: number, slot: PathSlot, on: 0 | 1): void {
  putPath(governor, slot, on);
  governor.heldPath[slot.service]![pathAt(governor, slot)] = 0;
  report.done(pathAction(state, cell, slot, on === 1), pathKey(state.topology, cell));
}

/** Gives a path back. */
export function raisePath(pass: GovernorPass, cell: number, slot: PathSlot): boolean {
  const { state, governor } = pass;
  const off = governor.wanted.path[slot.service]![pathAt(governor, slot)] === 0;
  if (off && !isPathFaultAt(state, nicOf(state, cell), slot)) setPath(pass, cell, slot, 1);
  return false;
}

/** Takes a path that is at fault out of a service. */
export function lowerPath(pass: GovernorPass, cell: number, slot: PathSlot): boolean {
  const { state, governor } = pass;
  const { service } = slot;
  const at = pathAt(governor, slot);
  const off = governor.wanted.path[service]![at] === 0;
  if (off || !isPathFaultAt(state, nicOf(state, cell), slot)) {
    governor.heldPath[service]![at] = 0;
    return off;
  }
  const change = changeOf(pass, cell, slot);
  const limit = limitOn(change, pass);
  if (limit !== 0) {
    notePanic(pass, service, limit);
    if (notes(governor.heldPath[service]!, at, limit))
      pass.report.held(pathAction(state, cell, slot, false), limitName(limit), pathKey(state.topology, cell));
    return true;
  }
  if (governor.wanted.nicEnabled[nicOf(state, cell)] === 1) charge(pass, change);
  setPath(pass, cell, slot, 0);
  return true;
}

/** One slice of several is that part of a real server. On a NIC that is out of service nothing is taken from anybody. */
function changeOf({ state, governor }: GovernorPass, cell: number, { service, slice, position }: PathSlot): CapacityChange {
  const { topology, agent } = state;
  const removes = governor.pathsOn[service]![position] === 1 && governor.wanted.weight[service]![position]! > 0;
  return {
    kind: 'path',
    service,
    slice,
    subject: pathKey(
      topology,
      nicOf(state, cell) * topology.realServers.length + topology.services[service]!.realServers[position]!,
    ),
    cost: 1 / topology.services[service]!.nics.length,
    agentCost: 1 / topology.nics.length,
    removes,
    free: governor.wanted.nicEnabled[nicOf(state, cell)] === 0 && !removes && agent.verdict === '',
  };
}
