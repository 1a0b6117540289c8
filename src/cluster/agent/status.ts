/** What is shown of a server's release. */
import type { Repairable } from '../drift/repairs.ts';
import type { AppliedState } from '../values.ts';

export interface ReleaseStatus {
  /** Roots and numbers; undefined = none is known. */
  readonly target: string | undefined;
  readonly targetRelease: number | undefined;
  readonly running: string | undefined;
  readonly runningRelease: number | undefined;
  readonly lastGood: string | undefined;
  /** `waiting`: etcd has not named a release for this server yet. */
  readonly state: AppliedState | 'waiting';
  /** What is done now. */
  readonly work: 'check' | 'apply' | 'restore' | undefined;
  readonly ring: string | undefined;
  /** The maintenance that holds it. */
  readonly held: string | undefined;
  /** It runs what it should, and announces that. */
  readonly ready: boolean;
  /** Roots that are not tried again. */
  readonly poison: number;
  /** etcd has what is reported. */
  readonly reported: boolean;
  /** How often drift was repaired. */
  readonly repairs: Readonly<Record<Repairable, number>>;
  readonly problems: readonly string[];
}
