/** What the kernel knows of its clock: whether NTP keeps it right, and by how much it may be off. */
import { adjtimex } from './libc.ts';

export interface ClockState {
  readonly synchronised: boolean;
  /** Most it may be off, ms, if synchronised. */
  readonly maxErrorMs: number;
}

/** struct timex of 64-bit Linux, 208 bytes: modes 0 = only read; long maxerror (µs) at 24, int status at 40. */
const SIZE = 208;
const MAX_ERROR = 24;
const STATUS = 40;
const STA_UNSYNC = 0x40;

/** Throws when the kernel refuses. */
export function clockState(): ClockState {
  const timex = Buffer.alloc(SIZE);
  if (adjtimex(timex) < 0) throw new Error('the kernel does not tell the state of its clock (adjtimex)');
  return {
    synchronised: (timex.readInt32LE(STATUS) & STA_UNSYNC) === 0,
    maxErrorMs: Number(timex.readBigInt64LE(MAX_ERROR)) / 1000,
  };
}
