/**
 * A real server of a service: one check, or several of which all, or any one, must be good. What the governor asks about a slot
 * is answered here from the verdicts on its checks.
 */
import type { JudgeService } from '../model/topology.ts';
import { CAUSE, VERDICT } from '../model/verdicts.ts';
import type { Slot } from './governor-state.ts';
import { EPSILON } from './limits/limit.ts';
import type { State } from './memory.ts';

/** Weights move in steps of this during slow start: an action per step, not per pass. */
const STEP = 0.1;

/** The checks of a position of a service: indices of the topology, the first one first. */
export function checksAt(service: JudgeService, position: number): readonly number[] {
  const first = service.realServers[position]!;
  const further = service.further?.get(position);
  return further === undefined ? [first] : [first, ...further];
}

/**
 * Combines what is said of each check: `all` takes the least, `any` the most.
 * @param of a number that is the higher the better
 */
function combined({ topology }: State, { service, position }: Slot, of: (server: number) => number): number {
  const shape = topology.services[service]!;
  let result = of(shape.realServers[position]!);
  for (const server of shape.further?.get(position) ?? []) {
    const value = of(server);
    if (shape.combine === 'any' ? value > result : value < result) result = value;
  }
  return result;
}

/** Share of its weight that a real server should have as far as one check says: 0 when down, a rising share after that. */
function weightBy({ servers, rules }: State, server: number, now: number): number {
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

/** Share of its weight that the real server of a slot should have. */
export function wantedWeight(state: State, slot: Slot, now: number): number {
  return combined(state, slot, (server) => weightBy(state, server, now));
}

/** Whether the real server of a slot is down: one check says so, or each where any is enough. */
export function isDownAt(state: State, slot: Slot): boolean {
  return combined(state, slot, (server) => (state.servers.verdict[server] === VERDICT.RS_DOWN ? 0 : 1)) === 0;
}

/**
 * Whether the real server of a slot can't be used through a NIC although through others: one check says so; or, where any is
 * enough, each that is not down everywhere.
 */
export function isPathFaultAt(state: State, nic: number, slot: Slot): boolean {
  const { cells, servers, topology } = state;
  const row = nic * topology.realServers.length;
  const faulty = (server: number) => cells.path[row + server] === VERDICT.PATH;
  if (topology.services[slot.service]!.combine !== 'any') return combined(state, slot, (s) => (faulty(s) ? 0 : 1)) === 0;
  const checks = checksAt(topology.services[slot.service]!, slot.position);
  return checks.some(faulty) && checks.every((s) => faulty(s) || servers.verdict[s] === VERDICT.RS_DOWN);
}

/** Which of two checks that are down is worse: one that answers wrongly is better than one that refuses or is silent. */
export function badness({ servers }: State, server: number): number {
  if (servers.verdict[server] !== VERDICT.RS_DOWN) return 0;
  const cause = servers.cause[server]!;
  return cause === CAUSE.l7 ? 1 : cause === CAUSE.refused ? 2 : 3;
}

/** The same of the real server of a slot. */
export function badnessAt(state: State, slot: Slot): number {
  return -combined(state, slot, (server) => -badness(state, server));
}

/** When the latest of the verdicts on the real server of a slot was made. */
export function judgedAt({ servers, topology }: State, { service, position }: Slot): number {
  return checksAt(topology.services[service]!, position).reduce((t, server) => Math.max(t, servers.at[server]!), 0);
}
