/** What the agent of a release needs of whoever has the configuration of this server. */
import type { PlanCounts } from '../values.ts';

/** What a configuration with a release came to. */
export interface Examined {
  /** Empty = it may be applied. */
  readonly refusals: readonly string[];
  readonly plan: PlanCounts;
  readonly planHash: string;
  /** Something on the disk is not what it should be. */
  readonly damaged: boolean;
}

/** A release that is on the disk. */
export interface Wanted {
  readonly root: string;
  /** Root of what runs. */
  readonly running: string | undefined;
  /** It was good here. */
  readonly proven: boolean;
}

/** Whoever has the configuration of this server. */
export interface Configuration {
  /** Reads the file with a release; changes nothing. Never rejects. */
  examine(wanted: Wanted): Promise<Examined>;
  /** Makes it run. Never rejects; @returns why it does not, '' = it does */
  apply(wanted: Wanted): Promise<string>;
  /** Puts what ran before it back. Never rejects; as `apply`. */
  putBack(): Promise<string>;
}
