/**
 * The board: one SharedArrayBuffer per lane, written by that lane only, read by the main thread. It holds counters for /metrics
 * and a ring of results for the judge. A ring, not one row per cell: the judge counts streaks, so it needs every result in order,
 * and the same stream is what the evidence log records and `replay` reads.
 *
 *   i32 header  [0] head: results written (wraps at 2^32)    [1] tail: results read
 *               [2] results dropped because the ring was full   [3] cells   [4] heartbeat (ms, wraps)   [5] in flight
 *               [6] cell whose check code runs, plus 1 (0 = none)   [7..15] spare
 *   f64 counters, one block per check kind K:  outcomes[9] · duration buckets[B+1] · duration sum
 *   f64 lateness: buckets[L+1] · sum
 *   ring of ENTRY bytes × capacity:
 *      i32 cell · u32 generation · u32 outcome|phase<<8|cause<<16 · i32 detail · f64 t · u32 rttUs · u32 elapsedUs
 *   descriptor bitmap, DESCRIPTOR_WORDS × i32: the file descriptors the lane holds through libc, so that main can close them when
 *      the thread dies (libc knows nothing of threads' ends)
 *
 * Memory order: the lane fills an entry with plain stores, then publishes it by Atomics.store(head); the reader does
 * Atomics.load(head), plain loads, then Atomics.store(tail). Counters are plain f64: a scrape may see one a probe old, never torn
 * (aligned 64-bit stores on x86-64 and arm64).
 */
import { OUTCOMES } from './outcome.ts';

/** Upper bounds of check durations, seconds. */
export const DURATION_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
] as const;
/**
 * Upper bounds of start lateness, seconds. Dense where a busy lane's p99 is: a quantile is interpolated within its bucket, and
 * one from 2 to 5 ms made 3.5 ms look like 4.9.
 */
export const LATE_BOUNDS = [0.001, 0.0015, 0.002, 0.0025, 0.003, 0.0035, 0.004, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

const HEADER_INTS = 16;
export const HEAD = 0;
export const TAIL = 1;
export const DROPPED = 2;
export const CELLS = 3;
export const HEARTBEAT = 4;
export const IN_FLIGHT = 5;
export const WORKING = 6;

const DURATION_COLUMNS = DURATION_BOUNDS.length + 2;
const KIND_BLOCK = OUTCOMES.length + DURATION_COLUMNS;
const LATE_BLOCK = LATE_BOUNDS.length + 2;
const ENTRY = 32;
/** Covers descriptors below 2^20, the kernel's default fs.nr_open; untouched words cost no memory. */
const DESCRIPTOR_WORDS = 1 << 15;

/** Views over one lane's board. */
export interface Board {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly kinds: number;
  readonly header: Int32Array;
  /** All counters; use `outcomeAt`, `durationAt`, `lateAt` for positions. */
  readonly counters: Float64Array;
  readonly int: Int32Array;
  readonly float: Float64Array;
  readonly descriptors: Int32Array;
}

/** A zeroed board. @param capacity ring entries, a power of two. */
export function newBoard(kinds: number, capacity: number): Board {
  const bytes = HEADER_INTS * 4 + (kinds * KIND_BLOCK + LATE_BLOCK) * 8 + capacity * ENTRY + DESCRIPTOR_WORDS * 4;
  return openBoard(new SharedArrayBuffer(bytes), kinds, capacity);
}

/** Views over a board made elsewhere. */
export function openBoard(buffer: SharedArrayBuffer, kinds: number, capacity: number): Board {
  const counters = kinds * KIND_BLOCK + LATE_BLOCK;
  const ring = HEADER_INTS * 4 + counters * 8;
  return {
    buffer,
    capacity,
    kinds,
    header: new Int32Array(buffer, 0, HEADER_INTS),
    counters: new Float64Array(buffer, HEADER_INTS * 4, counters),
    int: new Int32Array(buffer, ring, capacity * (ENTRY / 4)),
    float: new Float64Array(buffer, ring, capacity * (ENTRY / 8)),
    descriptors: new Int32Array(buffer, ring + capacity * ENTRY, DESCRIPTOR_WORDS),
  };
}

/** Position of the counter of (kind, outcome). */
export function outcomeAt(kind: number, outcome: number): number {
  return kind * KIND_BLOCK + outcome;
}

/** Position of the first duration bucket of a kind: bounds + 1 counts, then the sum in seconds. */
export function durationAt(kind: number): number {
  return kind * KIND_BLOCK + OUTCOMES.length;
}

/** Position of the first lateness bucket. */
export function lateAt(board: Board): number {
  return board.kinds * KIND_BLOCK;
}

/** Notes that the lane has opened `fd`. */
export function hold(board: Board, fd: number): void {
  board.descriptors[fd >> 5]! |= 1 << (fd & 31);
}

/** Notes that the lane is about to close `fd`: before, not after, so that main never closes somebody else's. */
export function release(board: Board, fd: number): void {
  board.descriptors[fd >> 5]! &= ~(1 << (fd & 31));
}

/** Takes the list of descriptors a dead lane has left open. Main side. */
export function takeHeld(board: Board): number[] {
  const fds: number[] = [];
  board.descriptors.forEach((word, i) => {
    for (let bit = 0; word !== 0 && bit < 32; bit++) if ((word & (1 << bit)) !== 0) fds.push(i * 32 + bit);
    board.descriptors[i] = 0;
  });
  return fds;
}

/** One result as read from the ring. */
export interface RingEntry {
  cell: number;
  generation: number;
  outcome: number;
  phase: number;
  cause: number;
  detail: number;
  t: number;
  rttUs: number;
  elapsedUs: number;
}

/** Writes one result; a full ring drops it and counts that. Lane side. */
export function push(board: Board, e: Readonly<RingEntry>): void {
  const { header, int, float, capacity } = board;
  const head = header[HEAD]!;
  if (((head - Atomics.load(header, TAIL)) | 0) >= capacity) {
    Atomics.add(header, DROPPED, 1);
    return;
  }
  const at = (head & (capacity - 1)) * (ENTRY / 4);
  int[at] = e.cell;
  int[at + 1] = e.generation;
  int[at + 2] = e.outcome | (e.phase << 8) | (e.cause << 16);
  int[at + 3] = e.detail;
  float[at / 2 + 2] = e.t;
  int[at + 6] = e.rttUs;
  int[at + 7] = e.elapsedUs;
  Atomics.store(header, HEAD, (head + 1) | 0);
}

/** Hands every unread result to `each` (the entry object is reused). Main side. @returns how many. */
export function drain(board: Board, each: (e: Readonly<RingEntry>) => void): number {
  const { header, int, float, capacity } = board;
  const head = Atomics.load(header, HEAD);
  let tail = header[TAIL]!;
  const n = (head - tail) | 0;
  for (let i = 0; i < n; i++, tail = (tail + 1) | 0) {
    const at = (tail & (capacity - 1)) * (ENTRY / 4);
    const packed = int[at + 2]!;
    entry.cell = int[at]!;
    entry.generation = int[at + 1]!;
    entry.outcome = packed & 255;
    entry.phase = (packed >> 8) & 255;
    entry.cause = (packed >> 16) & 255;
    entry.detail = int[at + 3]!;
    entry.t = float[at / 2 + 2]!;
    entry.rttUs = int[at + 6]! >>> 0;
    entry.elapsedUs = int[at + 7]! >>> 0;
    each(entry);
  }
  Atomics.store(header, TAIL, tail);
  return n;
}

const entry: RingEntry = { cell: 0, generation: 0, outcome: 0, phase: 0, cause: 0, detail: 0, t: 0, rttUs: 0, elapsedUs: 0 };
