/**
 * What main and a lane's thread send each other: never a message per probe, results travel on the board. And what a lane and its
 * helper send each other: one message per job.
 */
import type { ProbeResult } from './outcome.ts';
import type { Address, CheckProfile } from './plan.ts';

/** Cells as they travel to a lane, in columns: a hundred thousand of them must not be a hundred thousand objects. */
export interface CellBatch {
  readonly profiles: readonly CheckProfile[];
  readonly cell: Int32Array;
  /** Changes when the cell gets another occupant: results of the former one are recognised and dropped. */
  readonly generation: Uint32Array;
  /** Index into `profiles`. */
  readonly profile: Int32Array;
  /** SOCKADDR_SIZE bytes each. */
  readonly sockaddrs: Uint8Array;
}

/** A cell in quarantine, or that was in one not long ago. */
export interface Held {
  readonly cell: number;
  readonly generation: number;
  /** How often in a row it has held its thread. */
  readonly holds: number;
  /** Not probed until then: ms of the monotonic clock. */
  readonly until: number;
}

export interface LaneInit {
  readonly nic: string;
  readonly device: string;
  readonly source?: string;
  readonly board: SharedArrayBuffer;
  readonly kinds: number;
  readonly ringCapacity: number;
  /** Test hook: behave as on a kernel that refuses SO_BINDTODEVICE. */
  readonly withoutDeviceBinding?: boolean;
}

export type ToLane =
  | {
      readonly type: 'cells';
      readonly add: CellBatch;
      readonly remove: Int32Array;
      /** For a thread that starts: what its predecessor knew. */
      readonly quarantine?: readonly Held[];
    }
  | { readonly type: 'stop' }
  /** Lab only: throw, to show that other lanes do not notice. */
  | { readonly type: 'crash' };

export type FromLane =
  | { readonly type: 'running'; readonly cells: number }
  | { readonly type: 'certificate'; readonly cell: number; readonly generation: number; readonly notAfterMs: number }
  /** A probe has held the lane or its helper; `ms` of CPU. */
  | { readonly type: 'held'; readonly held: Held; readonly ms: number; readonly thread: 'lane' | 'helper' }
  | { readonly type: 'binding'; readonly bound: boolean; readonly reason: string }
  | { readonly type: 'stopped' };

export interface HelperInit {
  readonly nic: string;
  readonly device: string;
  readonly source?: string;
  readonly withoutDeviceBinding?: boolean;
  /** For checks that took long before, or may: it lets others go first. */
  readonly patient: boolean;
  /** Two numbers: when the helper last turned (ms, wraps), and the job whose code it is in (0 = none). */
  readonly board: SharedArrayBuffer;
}

/** Positions on the helper's board. */
export const HELPER_BEAT = 0;
export const HELPER_JOB = 1;

/** What is the same for both kinds of job. `profile` was sent before. */
interface Job {
  /** 1, 2, …; distinguishes the jobs of a lane. */
  readonly job: number;
  readonly profile: number;
}

export type ToHelper =
  | { readonly type: 'profile'; readonly profile: number; readonly value: CheckProfile }
  /** Run a check. */
  | (Job & { readonly type: 'run'; readonly address: Address; readonly sockaddr: Uint8Array; readonly timeoutMs: number })
  /** Judge a body that a check of the lane has received. */
  | (Job & { readonly type: 'examine'; readonly body: Uint8Array<ArrayBuffer>; readonly status: number })
  | { readonly type: 'cancel'; readonly job: number }
  | { readonly type: 'stop' };

export type FromHelper =
  | { readonly type: 'ready' }
  | { readonly type: 'certificate'; readonly job: number; readonly notAfterMs: number }
  | {
      readonly type: 'done';
      readonly job: number;
      readonly result: ProbeResult;
      /** CPU time that the job's own code took. */
      readonly cpuMs: number;
      /** How much later than due the helper turned while the job lasted, in all. */
      readonly lagMs: number;
    };
