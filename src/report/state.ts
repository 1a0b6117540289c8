/** What the agent, a NIC's cells and a real server are doing, as one word each. */
import { OK_LOCAL } from '../model/outcome.ts';
import type { Plan } from '../model/plan.ts';
import { AGENT_VERDICTS, frozenState, type FrozenState } from '../model/verdicts.ts';
import { isOut, type VerdictIndex } from './verdicts.ts';
import { type AgentView, BAD, GOOD } from './view.ts';

export type AgentState = 'starting' | 'ok' | FrozenState | 'stopping';
export const AGENT_STATES: readonly AgentState[] = ['starting', 'ok', ...AGENT_VERDICTS.map(frozenState), 'stopping'];

/** What the agent is doing; a freeze tells its reason. */
export function agentState(view: AgentView): AgentState {
  const phase = view.phase();
  if (phase !== 'running') return phase;
  const { frozen } = view.wanted();
  return frozen === '' ? 'ok' : frozenState(frozen);
}

export const CELL_STATES = ['ok', 'link_fail', 'service_fail', 'unknown'] as const;
export type CellState = (typeof CELL_STATES)[number];

/**
 * State of one cell from its two states; a failed link says more than the service behind it. Of a check that does not go through
 * the NIC, by the outcome of its last probe, there is no link.
 */
export function cellState(link: number | undefined, service: number | undefined, outcome: number | undefined): CellState {
  if (link === BAD) return 'link_fail';
  if (service === BAD) return 'service_fail';
  return (link === GOOD || outcome === OK_LOCAL) && service === GOOD ? 'ok' : 'unknown';
}

/** Cells of NIC number `nic` by state, in the order of CELL_STATES. */
export function countCells(view: AgentView, nic: number): Record<CellState, number> {
  const { link, service, outcome } = view.cells();
  const width = view.plan().targets.length;
  const count = { ok: 0, link_fail: 0, service_fail: 0, unknown: 0 };
  for (let i = nic * width; i < (nic + 1) * width; i++) count[cellState(link[i], service[i], outcome[i])]++;
  return count;
}

export const STANDINGS = ['up', 'down', 'held'] as const;
export type Standing = (typeof STANDINGS)[number];

/**
 * How a real server stands in a service: `up` = not judged down; `down` = judged down and out of service; `held` = judged down,
 * but kept in service by panic, a freeze or a budget.
 */
export function standing(judgedDown: boolean, weight: number): Standing {
  if (!judgedDown) return 'up';
  return weight > 0 ? 'held' : 'down';
}

const indices = new WeakMap<Plan, ReadonlyMap<string, number>>();

/** Target id → index; made once per plan. */
export function targetIndex(plan: Plan): ReadonlyMap<string, number> {
  const known = indices.get(plan);
  if (known !== undefined) return known;
  const made = new Map(plan.targets.map((t, i) => [t.id, i]));
  indices.set(plan, made);
  return made;
}

/** Per target index: 1 = judged down. `targetOf` maps target ids to indices. */
export function downTargets(targetOf: ReadonlyMap<string, number>, index: VerdictIndex): Uint8Array {
  const down = new Uint8Array(targetOf.size);
  for (const [id, verdict] of index.rs) {
    const target = targetOf.get(id);
    if (target !== undefined && isOut(verdict)) down[target] = 1;
  }
  return down;
}
