/** What a limit is: a value with a name, asked about each change that would take something out of service. */
import type { LimitName } from '../../model/limits.ts';
import type { Governor } from '../governor-state.ts';
import type { State } from '../memory.ts';

/** Rounding errors of budgets stay below this. */
export const EPSILON = 1e-9;

/** A NIC's slices would be disabled. */
export interface NicChange {
  readonly kind: 'nic';
  readonly nic: number;
  /** Its carrier is gone: certain, nothing was inferred. */
  readonly certain: boolean;
}

/** A real server would lose its weight in a service, or one of its paths there. */
export interface CapacityChange {
  readonly kind: 'server' | 'path';
  readonly service: number;
  /** Paths only: the slice that would lose it. */
  readonly slice?: number;
  /** Key of the real server or path (`subjects.ts`): each is charged once a pass to the agent's budget. */
  readonly subject: number;
  /** In real servers of the service, and of the agent. */
  readonly cost: number;
  readonly agentCost: number;
  /** Whether the service would have one real server less. */
  readonly removes: boolean;
  /** Takes nothing from anybody: the path's NIC is out of service already. */
  readonly free: boolean;
}

export type Change = NicChange | CapacityChange;

/** One pass of the governor. */
export interface Pass {
  readonly state: State;
  readonly governor: Governor;
  /** ms of the facts' clock. */
  readonly now: number;
  /** Just after a freeze old verdicts must be seen again before they take anything out. */
  readonly settling: boolean;
  /** Subjects already charged to the agent's budget in this pass. */
  readonly charged: ReadonlySet<number>;
}

export interface Limit {
  readonly name: LimitName;
  /** The kinds of changes it is asked about. */
  readonly of: readonly Change['kind'][];
  /** Whether the change has to wait. Asking changes nothing. */
  holdsBack(change: Change, pass: Pass): boolean;
}
