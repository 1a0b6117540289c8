/** A service keeps a share of its real servers, and each slice at least one path, whatever is judged of them. */
import type { State } from '../memory.ts';
import { EPSILON, type Limit } from './limit.ts';

/** Least number of real servers a service must keep. */
export function floorOf({ topology, rules }: State, service: number): number {
  const { panic, realServers } = topology.services[service]!;
  if (realServers.length < rules.panic_min_real_servers) return Math.min(1, realServers.length);
  return Math.ceil(panic * realServers.length - EPSILON);
}

export const serviceFloor: Limit = {
  name: 'panic',
  of: ['server', 'path'],
  holdsBack: (change, { state, governor }) =>
    change.kind !== 'nic' && change.removes && governor.enabled[change.service]! - 1 < floorOf(state, change.service),
};

export const lastPath: Limit = {
  name: 'panic',
  of: ['path'],
  holdsBack: (change, { governor }) =>
    change.kind === 'path' && change.slice !== undefined && governor.sliceOn[change.service]![change.slice]! <= 1,
};
