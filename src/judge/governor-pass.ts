/** What the governor's steps share: one pass, walking over the uses of a real server or path, holding back, charging. */
import { LIMIT, LIMITS, type LimitName } from '../model/limits.ts';
import type { Action } from '../model/verdict.ts';
import { type PathSlot, type Slot, spend } from './governor-state.ts';
import type { CapacityChange, Pass } from './limits/limit.ts';
import type { State } from './memory.ts';

/** Receives what a pass does: let through, or held back although it was not before. `subject` is a key of `subjects.ts`. */
export interface Report {
  done(action: Action, subject: number): void;
  held(action: Action, rule: LimitName, subject: number): void;
}

export interface GovernorPass extends Pass {
  readonly report: Report;
  readonly charged: Set<number>;
}

/** A step for one use of a real server or path. @returns whether it left something to do */
export type SlotStep = (pass: GovernorPass, server: number, slot: Slot) => boolean;
export type PathStep = (pass: GovernorPass, cell: number, slot: PathSlot) => boolean;

/** The NIC of a cell. */
export function nicOf({ topology }: State, cell: number): number {
  return Math.floor(cell / topology.realServers.length);
}

/** Takes the step for each service that uses the real server. @returns whether one left something to do */
export function eachSlot(pass: GovernorPass, server: number, step: SlotStep): boolean {
  const { slotStart, slotService, slotPosition } = pass.governor;
  let open = false;
  for (let at = slotStart[server]!; at < slotStart[server + 1]!; at++) {
    if (step(pass, server, { service: slotService[at]!, position: slotPosition[at]! })) open = true;
  }
  return open;
}

/** Takes the step for each service that uses the path. @returns whether one left something to do */
export function eachPathSlot(pass: GovernorPass, cell: number, step: PathStep): boolean {
  const { topology } = pass.state;
  const nic = nicOf(pass.state, cell);
  return eachSlot(pass, cell - nic * topology.realServers.length, (_, __, { service, position }) => {
    const slice = topology.services[service]!.nics.indexOf(nic);
    return slice >= 0 && step(pass, cell, { service, slice, position });
  });
}

/** Notes in a table of limit codes that the limit holds an action back. @returns whether that is news */
export function notes(table: Uint8Array, at: number, limit: number): boolean {
  if (table[at] === limit) return false;
  table[at] = limit;
  return true;
}

/** The service's floor held something back: the service is in panic. */
export function notePanic({ governor }: GovernorPass, service: number, limit: number): void {
  if (limit === LIMIT.panic) governor.wanted.panic[service] = 1;
}

/** The limit of a code. */
export const limitName = (limit: number) => LIMITS[limit] as LimitName;

/** Books what a change costs the budgets. */
export function charge({ state: { rules }, governor, now, charged }: GovernorPass, change: CapacityChange): void {
  spend(governor.spentService[change.service]!, change.cost, now, rules.budget_window_ms);
  if (!charged.has(change.subject)) spend(governor.spentAgent, change.agentCost, now, rules.budget_window_ms);
  charged.add(change.subject);
}
