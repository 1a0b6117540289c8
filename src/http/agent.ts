/** The agent as its HTTP door has it: what can be read, and what can be asked for. */
import type { FamilySource } from '../model/family.ts';
import type { AgentView, FleetAnswer, ReloadResult, ShadowAnswer } from '../report/view.ts';

export interface AgentLink {
  /** Shows one moment of the agent: always the same object, which shows a later moment after a `refresh`. */
  readonly view: AgentView;
  /** All series of that moment. */
  readonly metrics: FamilySource;
  /**
   * Makes `view` and `metrics` show a moment recent enough to answer from. Resolves with its number: the same number, the same
   * moment. Rejects with FourlaneError STALLED when the agent does not say in time how it is.
   */
  refresh(): Promise<number>;
  /** How long ago the judge last turned: ms, known without asking it. */
  silentMs(): number;
  /** @param by who asks, for the log */
  reload(by: string): Promise<ReloadResult>;
  /** What shadow mode has seen; undefined when no service is in it. */
  shadow(): Promise<ShadowAnswer | undefined>;
  /** The whole cluster; undefined when there is no etcd. */
  fleet(): Promise<FleetAnswer | undefined>;
  /** Only in a lab: makes the thread of this NIC's lane throw; false when there is no such lane. */
  chaos?(nic: string): Promise<boolean>;
}
