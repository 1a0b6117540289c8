/** What the judge's thread and the thread that reads configurations say to each other. */
import type { ErrorCode } from '../model/errors.ts';
import type { PlanDiff } from './diff.ts';

export interface LoadRequest {
  readonly path: string;
  readonly hostname: string;
  /** The plan that is followed now: as bytes, and its fingerprint. */
  readonly running: SharedArrayBuffer;
  readonly fingerprint: string;
}

/** A file that was read: what it changes. `plan`: as bytes; left out when nothing differs. */
export interface LoadedPlan extends Pick<PlanDiff, 'same' | 'needsRestart' | 'summary'> {
  readonly plan?: SharedArrayBuffer;
}

/** A file that is refused. `mistakes`: one line each; none when it could not be read. */
export interface RefusedPlan {
  readonly code: ErrorCode;
  readonly refused: string;
  readonly mistakes: readonly string[];
}

export type LoadAnswer = LoadedPlan | RefusedPlan;
