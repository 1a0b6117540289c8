/**
 * What a check kind is: one value in `checks/index.ts`. Kinds judge bytes; the lane's engine owns sockets, time and bookkeeping.
 */
import type { z } from 'zod';
import type { ProbeResult } from '../model/outcome.ts';
import type { Address, CheckProfile, CheckTiming } from '../model/plan.ts';
import type { Binding } from '../sys/socket.ts';

/** How an exchange ended: codes of model/outcome.ts. */
export interface Judgement {
  readonly outcome: number;
  readonly phase: number;
  readonly cause: number;
  readonly detail: number;
}

/** An answer that is complete but for a part that takes long to judge: the lane leaves that to its helper. */
export interface Unexamined {
  /** In memory of its own: it goes to another thread without being copied. */
  readonly body: Buffer<ArrayBuffer>;
  /** HTTP status, for the judgement. */
  readonly status: number;
}

/** What an exchange wants instead of an end: that `request` is asked again, for this connection or for a new one. */
export const NEXT = 'next';
export const RECONNECT = 'reconnect';
export type Wish = typeof NEXT | typeof RECONNECT;
export type End = Judgement | Unexamined;

/**
 * One dialogue with a real server: it sends, gets answers, sends again. Chunks are valid only during the call. The deadline is
 * that of the whole dialogue, new connections included.
 */
export interface Exchange {
  /**
   * Writes what is to be sent next into `into` (64 KiB): called once connected, and whenever it has been wished for.
   * @returns bytes written; 0 = nothing to send.
   */
  request(into: Buffer): number;
  /** All that was written has been taken. Left out where an answer has to come. @returns the end, or undefined as for `feed` */
  sent?(): End | undefined;
  /** More bytes came. @returns the end, a wish, or undefined when more is needed. */
  feed(chunk: Buffer): End | Wish | undefined;
  /** The peer closed or reset the connection. @returns the end, or the wish for another connection */
  closed(): End | typeof RECONNECT;
}

/** A check the lane's engine can run on its own sockets. */
export interface SocketCheck {
  readonly transport: 'stream' | 'datagram' | 'icmp';
  /** A fresh exchange; undefined = being connected is enough. */
  begin(): Exchange | undefined;
  /** What silence until the deadline means; undefined = a timeout. */
  readonly silence?: Judgement;
}

/** What a check that runs by itself gets. */
export interface RunContext {
  readonly nic: string;
  readonly device: string;
  readonly binding: Binding;
  readonly sockaddr: Uint8Array;
  /** SO_MARK of its sockets; 0 = none. */
  readonly mark: number;
  readonly timeoutMs: number;
  /** This thread is for checks that take long. In another one a check that turns out to be such ends with `tooLong`. */
  readonly patient: boolean;
  /** Aborted when the target goes or the lane stops. */
  readonly signal: AbortSignal;
  /** Reports the expiry of the certificate seen, Unix ms. */
  certificate(notAfterMs: number): void;
  /**
   * Runs a piece of the check whose length a real server can choose: its CPU time is charged to the check, which is cancelled
   * when it has taken too much.
   */
  work<T>(piece: () => T): T;
}

/** A check that runs by itself (TLS, scripts), in the lane's helper. It must end by `timeoutMs` and never reject. */
export interface AsyncCheck {
  run(context: RunContext): Promise<ProbeResult>;
}

export interface CheckKind {
  /** Config `type`, metric label `type`, file name. */
  readonly name: string;
  /** Own parameters besides `type`, `interval`, `timeout`, `fall`, `rise`. Strict; every default filled in. */
  readonly schema: z.ZodObject;
  /** False for kinds that check a host, not a port. */
  readonly needsPort: boolean;
  /** One line for help and docs. */
  readonly summary: string;
  /**
   * Binds a parsed profile to a target. Called once per target and lane, lazily; of kinds that run by themselves for each check.
   */
  prepare(profile: CheckProfile, address: Address): SocketCheck | AsyncCheck;
  /** How much longer than its timeout a check that runs by itself may take to end, ms; left out: one second. */
  readonly graceMs?: number;
  /** Whether a check of this profile runs by itself; left out: never. */
  runs?(profile: CheckProfile): boolean;
  /** The pages of a check that asks for several, each as a check of its own; left out: it has one. */
  parts?(profile: CheckProfile): readonly CheckProfile[];
  /** Judges what an exchange of this kind left unexamined. */
  examine?(profile: CheckProfile, rest: Unexamined): Judgement;
}

type Typed<S extends z.ZodObject> = Omit<CheckKind, 'schema' | 'prepare' | 'examine' | 'runs' | 'parts'> & {
  readonly schema: S;
  runs?(profile: z.output<S> & CheckTiming): boolean;
  parts?(profile: z.output<S> & CheckTiming): readonly object[];
  examine?(profile: z.output<S> & CheckTiming, rest: Unexamined): Judgement;
  prepare(profile: z.output<S> & CheckTiming, address: Address): SocketCheck | AsyncCheck;
};

/** A check kind that sees its parameters typed: a plan only holds profiles that passed its schema. */
export function checkKind<S extends z.ZodObject>(typed: Typed<S>): CheckKind {
  return typed as unknown as CheckKind;
}
