/** What main and a lane's worker say to each other. Never a message per probe: results travel on the board. */
import type { CheckProfile } from './plan.ts';

/** A cell as it travels to a lane; addresses are packed in the batch's `sockaddrs`. */
export interface CellSpec {
  readonly cell: number;
  /** Changes when the cell gets another occupant: results of the former one are recognised and dropped. */
  readonly generation: number;
  /** Index into the batch's profiles. */
  readonly profile: number;
  readonly ip: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly scope?: string;
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
      readonly profiles: readonly CheckProfile[];
      readonly add: readonly CellSpec[];
      readonly remove: readonly number[];
    }
  | { readonly type: 'stop' }
  /** Lab only: die, hang or throw, to show that other lanes do not notice. */
  | { readonly type: 'chaos'; readonly how: 'throw' | 'hang' | 'exit' };

export type FromLane =
  | { readonly type: 'running'; readonly cells: number }
  | { readonly type: 'certificate'; readonly cell: number; readonly generation: number; readonly notAfterMs: number }
  | { readonly type: 'binding'; readonly bound: boolean; readonly reason: string }
  | { readonly type: 'stopped' };
