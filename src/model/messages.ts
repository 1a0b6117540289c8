/** What main and a lane's worker send each other. Never a message per probe: results travel on the board. */
import type { CheckProfile } from './plan.ts';

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
  | { readonly type: 'cells'; readonly add: CellBatch; readonly remove: Int32Array }
  | { readonly type: 'stop' }
  /** Lab only: throw, to show that other lanes do not notice. */
  | { readonly type: 'crash' };

export type FromLane =
  | { readonly type: 'running'; readonly cells: number }
  | { readonly type: 'certificate'; readonly cell: number; readonly generation: number; readonly notAfterMs: number }
  | { readonly type: 'binding'; readonly bound: boolean; readonly reason: string }
  | { readonly type: 'stopped' };
