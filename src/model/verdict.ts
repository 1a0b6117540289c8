/** Verdicts, their evidence, and the decisions that follow: what the judge returns. All times are ms of the facts' clock. */

import type { LimitName } from './limits.ts';
import type { AgentVerdict, SubjectKind, VerdictCause, VerdictName } from './verdicts.ts';

export type { AgentVerdict, SubjectKind, VerdictCause, VerdictName } from './verdicts.ts';

export interface Subject {
  readonly subject: SubjectKind;
  readonly nic?: string;
  readonly rs?: string;
  readonly rack?: string;
}

export const LINK_STATES = ['unknown', 'down', 'up'] as const;
export type LinkState = (typeof LINK_STATES)[number];

/** One cell as evidence. */
export interface CellEvidence {
  readonly nic: string;
  readonly rs: string;
  readonly outcome: string;
  readonly t: number;
  readonly phase: string;
  readonly cause: string;
  readonly detail: number;
  readonly rttUs: number;
  readonly elapsedUs: number;
  readonly consecutiveBad: number;
}

/** Everything behind a verdict, for `why`, the API, logs and pages. */
export interface Evidence {
  /** R0 … R13, R4b. */
  readonly rule: string;
  /** How many witnesses the rule counted (real servers proven good elsewhere), and how many of their cells failed. */
  readonly witnesses: number;
  readonly failing: number;
  readonly anchors: readonly { readonly id: string; readonly outcome: string; readonly t: number }[];
  /** Of a NIC with a data-plane port behind it: the links of both, as far as they are known. */
  readonly links?: { readonly port: string; readonly portLink: LinkState; readonly kernelLink: LinkState };
  /** At most 16 cells, worst first. */
  readonly cells: readonly CellEvidence[];
  /** Numbers the rule compared, by name (f, loss, z, …). */
  readonly numbers: Readonly<Record<string, number>>;
}

export interface Verdict extends Subject {
  readonly verdict: VerdictName;
  readonly cause: VerdictCause;
  readonly since: number;
  /** One English sentence for people. */
  readonly reason: string;
  readonly evidence: Evidence;
}

/** An action the data plane would see. `weight` is a fraction 0–1 of the configured weight. */
export type Action =
  | { readonly action: 'disable_nic' | 'enable_nic'; readonly nic: string }
  | { readonly action: 'set_real_server'; readonly service: string; readonly rs: string; readonly weight: number }
  | { readonly action: 'disable_path' | 'enable_path'; readonly service: string; readonly nic: string; readonly rs: string };

export interface BlockedAction {
  readonly action: Action;
  /** The limit that held it. */
  readonly rule: LimitName;
}

/** One change of a verdict, with what the governor let through and held back because of it. */
export interface Transition extends Verdict {
  readonly t: number;
  readonly previous: VerdictName;
  readonly actions: readonly Action[];
  readonly blocked: readonly BlockedAction[];
}

/**
 * The state the data plane should have, after the governor. Indices as in the topology. The arrays belong to the judge and are
 * overwritten by the next pass: read them, do not keep them.
 */
export interface Wanted {
  /** Per NIC: 1 = its slices are enabled. */
  readonly nicEnabled: Uint8Array;
  /** Per service: weight fraction 0–1 of each of its real servers, in the service's order. */
  readonly weight: readonly Float32Array[];
  /** Per service: `path[k * realServers + r]` for its k-th NIC and r-th real server; 1 = enabled. */
  readonly path: readonly Uint8Array[];
  /** Per service: 1 = panic holds real servers in service although they are judged down. */
  readonly panic: Uint8Array;
  /**
   * What checks say of the weight, per real server of the topology. `by` 0: nothing; 1: it is `value`; 2: `value` is added to it.
   * No limit holds it back, and a freeze does not.
   */
  readonly dynamic: { readonly by: Uint8Array; readonly value: Int32Array };
  /** Why nothing may change now: '' or the agent verdict. */
  readonly frozen: '' | AgentVerdict;
}

export interface Decisions {
  /** Verdict changes of this pass, oldest first. */
  readonly transitions: readonly Transition[];
  /** Actions let through in this pass. */
  readonly actions: readonly Action[];
  /** Actions that are held back now and were not in the pass before. */
  readonly blocked: readonly BlockedAction[];
  readonly wanted: Wanted;
  /** A check has changed what it says of a weight: `wanted.dynamic`. */
  readonly weighed: boolean;
  /** NICs whose data plane should be asked now, because their probes fail: indices of the topology. */
  readonly doubted: readonly number[];
}
