/** What the reconciler reports: calls that have ended, and effects that are not in place. */
import type { Effect } from './actuator.ts';
import type { ActionResult } from './counters.ts';

/** One finished call for one effect, for the log. */
export interface ActionReport {
  readonly effect: Effect;
  readonly result: ActionResult;
  readonly durationMs: number;
  /** Calls for this wanted state so far that failed. */
  readonly failures: number;
  /** Why it failed or can't be done; else what there is to know, mostly nothing. */
  readonly error: string;
  /** The same was reported of the effect at its last outcome: of another weight in a slow start, for example. */
  readonly known: boolean;
  /** What was in place had been changed by somebody else. */
  readonly drift: boolean;
}

export interface PendingEffect {
  readonly effect: Effect;
  /** `unsupported`: it can't be put in place and is not tried again by itself. */
  readonly state: 'running' | 'waiting' | 'retrying' | 'unsupported';
  /** What is in place instead, as `valueOf` writes it; undefined: not known. */
  readonly actual: string | undefined;
  /** Since when this has been wanted without being in place, ms of the clock. */
  readonly since: number;
  readonly failures: number;
  /** When it is tried again, in ms of the clock; 0 unless retrying. */
  readonly retryAt: number;
  readonly error: string;
}

/** An actuator's words for others to read: of a URL only the server, since its path may be a secret. */
export function withoutPaths(error: string): string {
  return error.replace(/(https?:\/\/[^\s/?#]+)[/?#]\S*/g, '$1/…');
}
