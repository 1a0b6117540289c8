/** How a cluster is, as plain values: what the command `fourlane cluster status`, the API and the page `/cluster` have of it. */

/** How a server counts against what its ring must run. */
export const COUNTS_AS = ['done', 'pending', 'failed', 'absent', 'excused', 'stranger'] as const;
export type CountsAs = (typeof COUNTS_AS)[number];

export interface RingStatus {
  readonly ring: string;
  readonly release: number;
  readonly root: string;
  /** Number of the release that it prepares. */
  readonly preparing: number | null;
  readonly outcome: 'done' | 'failed' | 'absent' | 'waiting';
  readonly text: string;
}

export interface ServerStatus {
  readonly server: string;
  readonly ring: string;
  readonly site: string | null;
  readonly rack: string | null;
  readonly presence: 'there' | 'missing' | 'absent';
  readonly ready: boolean;
  readonly counts: CountsAs;
  /** What it reported last; null = nothing. */
  readonly state: 'prepared' | 'applying' | 'applied' | 'failed' | 'refused' | 'held' | null;
  readonly text: string;
  /** First digits of what it runs. */
  readonly running: string | null;
  /** The release of that; null = it is not kept any more, or nothing runs. */
  readonly release: number | null;
  readonly version: string | null;
  /** First digits of what it has prepared, and what that would change there. */
  readonly prepared: string | null;
  readonly plan: {
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
    readonly actions: number;
  } | null;
  /** Real servers that it finds bad; null = it says nothing. */
  readonly bad: number | null;
  /** Why it is no witness for others; null = it is one. */
  readonly cannotTell: string | null;
}

export interface BudgetStatus {
  readonly budget: string;
  readonly scope: string;
  readonly used: readonly string[];
  readonly max: number;
  readonly holders: readonly { readonly server: string; readonly subjects: readonly string[]; readonly why: string }[];
}

export interface ClusterStatus {
  readonly cluster: string;
  readonly rings: readonly RingStatus[];
  readonly servers: readonly ServerStatus[];
  /** Newest first. */
  readonly rollouts: readonly { readonly n: number; readonly release: number; readonly state: string; readonly text: string }[];
  readonly budgets: readonly BudgetStatus[];
  readonly drifts: readonly { readonly server: string; readonly question: string; readonly text: string }[];
  readonly maintenance: readonly string[];
  readonly poison: readonly { readonly root: string; readonly why: string }[];
  readonly problems: readonly string[];
}

/** A real server that servers find bad. */
export interface SeenDown {
  /** `ADDRESS:PORT`; while its release is not on this machine's disk, its position in it. */
  readonly realServer: string;
  readonly by: readonly string[];
  /** Servers that can tell of it. */
  readonly witnesses: number;
}

/** The whole cluster at one moment. Lists are cut, and what is cut is counted. */
export interface FleetStatus extends ClusterStatus {
  /** Most found first. */
  readonly down: readonly SeenDown[];
  /** Entries that were left out, by list. */
  readonly more: Readonly<Record<string, number>>;
}
