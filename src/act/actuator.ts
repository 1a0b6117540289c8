/** What an actuator is: one value in `act/index.ts`. It does the work; the reconciler does retry, limits, counting and logging. */
import type { z } from 'zod';
import type { ActuatorSpec } from '../model/plan.ts';
import type { VerdictCause, VerdictName } from '../model/verdict.ts';

/** One thing that should be so, with everything an actuator needs to make it so. */
export interface Effect {
  /** Identity over passes and restarts: what is acted on, and by what. */
  readonly key: string;
  readonly spec: ActuatorSpec;
  /** `nic`: an `onFail` entry. `slice`: a service on a NIC. `realServer`: in all slices. `path`: in one slice only. */
  readonly kind: 'nic' | 'slice' | 'realServer' | 'path';
  readonly cluster: string;
  readonly server: string;
  readonly service?: string;
  readonly vip?: string;
  readonly nic?: string;
  /** `ip:port`. */
  readonly realServer?: string;
  /** `nic`: ok or failed; everything else: enabled or disabled. */
  readonly state: 'ok' | 'failed' | 'enabled' | 'disabled';
  /** `realServer` only: the weight to set; 0 = no new connections, the entry stays (inhibit). */
  readonly weight?: number;
  /** The verdict behind it; `OK` when there is none. */
  readonly verdict: VerdictName;
  readonly cause: VerdictCause;
  readonly reason: string;
}

/** Why `perform` is called: a change, or a repetition of what is already wanted (after start and reload). */
export interface Call {
  readonly announce: boolean;
}

/** `unchanged`: nothing had to be done. */
export type Performed = 'done' | 'unchanged';

export interface Actuator {
  /** Config key, metric label `actuator`, file name. */
  readonly name: string;
  /** One line for help and docs. */
  readonly summary: string;
  /** Own parameters. Strict; every default filled in. */
  readonly schema: z.ZodObject;
  /** Where it may be configured: a NIC's `onFail`, a service's `actuator`. */
  readonly scopes: readonly ('nic' | 'service')[];
  /** Doing it again is harmless, so the wanted state is repeated after start and reload. */
  readonly idempotent: boolean;
  /** Effects of one identity travel together in one call, one call at a time. */
  readonly batch: boolean;
  /** Most calls at once, over all configured instances. */
  readonly concurrency: number;
  /** What tells two configured instances apart: the path, the command, the URL. */
  identity(spec: ActuatorSpec): string;
  /** Makes the effects so; rejects with a message for people. More than one effect only with `batch`. */
  perform(spec: ActuatorSpec, effects: readonly [Effect, ...Effect[]], call: Call): Promise<Performed>;
}

type Typed<S extends z.ZodObject> = Omit<Actuator, 'schema' | 'identity' | 'perform'> & {
  readonly schema: S;
  identity(spec: z.output<S>): string;
  perform(spec: z.output<S>, effects: readonly [Effect, ...Effect[]], call: Call): Promise<Performed>;
};

/** An actuator whose functions see its parameters typed: a plan only holds specs that passed its schema. */
export function actuator<S extends z.ZodObject>(typed: Typed<S>): Actuator {
  return typed as unknown as Actuator;
}
