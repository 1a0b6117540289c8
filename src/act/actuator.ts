/**
 * What an actuator is: one value in `act/index.ts`. It does the work; the reconciler does retry, limits, counting and logging.
 */
import type { z } from 'zod';
import type { LiveRealServers } from '../model/live-real-server.ts';
import type { ActuatorSpec, LvsServer, LvsService } from '../model/plan.ts';
import type { EffectKind } from '../model/subject.ts';
import type { VerdictCause, VerdictName } from '../model/verdict.ts';

/** One thing that should be so, with everything an actuator needs to make it so. */
export interface Effect {
  /** Identity over passes and restarts: what is acted on, and by what. */
  readonly key: string;
  readonly spec: ActuatorSpec;
  /**
   * `nic`: an `onFail` entry. `agent`: an `onIsolated` entry. `slice`: a service on a NIC. `realServer`: in all slices. `path`:
   * in one slice only. `service`: all of it, whether it has its quorum.
   */
  readonly kind: EffectKind;
  readonly cluster: string;
  readonly server: string;
  readonly service?: string;
  readonly vip?: string;
  readonly nic?: string;
  /** `ip:port`. */
  readonly realServer?: string;
  /** `nic` and `agent`: ok or failed; everything else: enabled or disabled. */
  readonly state: 'ok' | 'failed' | 'enabled' | 'disabled';
  /** `realServer` only: the weight to set; 0 = no new connections, the entry stays (inhibit). */
  readonly weight?: number;
  /** `realServer` only: the weight it has in the configuration; `weight` is all of it or a part. */
  readonly configured?: number;
  /** `realServer` only: fourlane makes the entries of this service, so the configured weight is the one to go back to. */
  readonly made?: true;
  /** `service` only, and not saved: the entries it is to have. */
  readonly entries?: WantedEntries;
  /** `service` with `entries` only: the quorum is lost, and its sorry server is in the place of its real servers. */
  readonly sorry?: true;
  /** The verdict behind it; `OK` when there is none. */
  readonly verdict: VerdictName;
  readonly cause: VerdictCause;
  readonly reason: string;
}

/** What a service is to have in kernel LVS. */
export interface WantedEntries {
  readonly lvs: LvsService;
  /** In their order. `name`: as the kernel has it, `ip:port` or `ip`. */
  readonly servers: readonly { readonly name: string; readonly realServer: string; readonly configured: number }[];
  /** Weights wanted now that are not the configured ones, by `realServer`. */
  readonly weights: ReadonlyMap<string, number>;
  /** The sorry server, while it has an entry of its own. */
  readonly sorry?: { readonly name: string; readonly server: LvsServer; readonly weight: number };
}

/** What is known of an effect from earlier calls, kept over restarts. */
export type Note =
  /** It is certain that nothing has been done to it. */
  | { readonly kind: 'untouched' }
  /** Something may have been done to it: a call did not end, or left no note. */
  | { readonly kind: 'unknown' }
  /** What its last outcome noted. */
  | { readonly kind: 'noted'; readonly text: string };

/** Why `perform` is called: a change, or a repetition of what is already wanted (after start and reload). */
export interface Call {
  readonly announce: boolean;
  /** One for each effect, in their order. */
  readonly notes: readonly Note[];
  /** Real servers of a service as the actuator's `collector` reads them now; absent: nobody reads. */
  readonly look?: (vip: string) => Promise<LiveRealServers>;
}

/** `unchanged`: nothing had to be done. */
export type Performed = 'done' | 'unchanged';

/** How one effect of a call ended, for actuators that report each effect of a batch. */
export interface Outcome {
  /** `unsupported`: repeating it is of no use; it is tried again after a reload, or when something else is wanted. */
  readonly result: Performed | 'unsupported' | 'failed';
  /** Of `unsupported`: the reason may pass by itself, so that it is tried again at each recheck. */
  readonly mayPass?: true;
  /** Of `failed` and `unsupported`: why, and what to do. */
  readonly message?: string;
  /** What was found was not what is wanted. If it had been put in place before, somebody else has changed it: drift. */
  readonly differs?: boolean;
  /** Given to the next call for this effect; `untouched` forgets what was noted before, absent leaves it as it was. */
  readonly note?: Exclude<Note, { kind: 'unknown' }>;
}

export interface Actuator {
  /** Config key, metric label `actuator`, and file name: `trackFile` is in track-file.ts. */
  readonly name: string;
  /** One line for help and docs. */
  readonly summary: string;
  /** Own parameters. Strict; every default filled in. */
  readonly schema: z.ZodObject;
  /**
   * Where it may be configured: a NIC's `onFail` and `onIsolated`, a service's `actuator`; `import`: in an imported configuration
   * only.
   */
  readonly scopes: readonly ('nic' | 'service' | 'import')[];
  /** Kinds of effects it can carry out, all when absent. Others are counted and reported once, and never asked of it. */
  readonly kinds?: readonly Effect['kind'][];
  /** Doing it again is harmless, so the wanted state is repeated after start and reload. */
  readonly idempotent: boolean;
  /** Effects of one identity travel together in one call, one call at a time. */
  readonly batch: boolean;
  /**
   * Collector that sees when its data plane has been started again: what waits is tried then, what is in place looked at again.
   */
  readonly collector?: string;
  /** Most calls at once, over all configured instances. */
  readonly concurrency: number;
  /** By what two configured instances differ: the path, the command, the URL. */
  identity(spec: ActuatorSpec): string;
  /**
   * ms after which a state in place that is not at rest is asked for again, to find what others have changed; needs `idempotent`.
   */
  recheck?(spec: ActuatorSpec): number;
  /**
   * Makes the effects so; rejects with a message for people. More than one effect only with `batch`; then the answer may be one
   * outcome for each, in their order.
   */
  perform(spec: ActuatorSpec, effects: readonly [Effect, ...Effect[]], call: Call): Promise<Performed | readonly Outcome[]>;
}

type Typed<S extends z.ZodObject> = Omit<Actuator, 'schema' | 'identity' | 'recheck' | 'perform'> & {
  readonly schema: S;
  identity(spec: z.output<S>): string;
  recheck?(spec: z.output<S>): number;
  perform(spec: z.output<S>, effects: readonly [Effect, ...Effect[]], call: Call): Promise<Performed | readonly Outcome[]>;
};

/** An actuator whose functions see its parameters typed: a plan only holds specs that passed its schema. */
export function actuator<S extends z.ZodObject>(typed: Typed<S>): Actuator {
  return typed as unknown as Actuator;
}
