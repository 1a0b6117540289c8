/** What a check of the doctor is: a value in `doctor/index.ts`. It looks at one thing and changes nothing. */
import type { Plan } from '../model/plan.ts';
import type { Host } from './host.ts';

export type Role = 'load-balancer' | 'real-server';
export const ROLES: readonly Role[] = ['load-balancer', 'real-server'];

/** ok; warn: works, but not as it should; fail: does not work; skipped: has no meaning here, or can't be seen from here. */
export type Outcome = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  readonly outcome: Outcome;
  /** What it is about, when a check looks at several things: a NIC, a VIP. */
  readonly subject?: string;
  /** What was found, and why it matters unless it is ok. */
  readonly message: string;
  /** Command for a shell that mends it, or for `skipped`, that shows it. */
  readonly fix?: string;
}

/** The configuration; one of `plan` and `problem` if a file is named. */
export interface ConfigState {
  readonly file?: string;
  readonly plan?: Plan;
  readonly problem?: string;
}

export interface Examination {
  readonly role: Role;
  readonly config: ConfigState;
  /** Real server: the VIPs it answers for, canonical addresses. */
  readonly vips: readonly string[];
  readonly host: Host;
  /** Aborts at the deadline. */
  readonly signal: AbortSignal;
}

export interface Check {
  /** Name in the output; file name. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** One line for help and docs. */
  readonly summary: string;
  /** May reject: that is `fail` with the error's message. */
  run(examination: Examination): Promise<readonly Finding[]>;
}
