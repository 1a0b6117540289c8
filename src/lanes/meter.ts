/**
 * Whose code the lane is in, and what it costs: before a check's code runs its cell is noted on the board, where main finds it
 * when the lane does not come back; afterwards the time is charged to the cell.
 */
import { type Board, WORKING } from '../model/board.ts';
import type { Cells } from './cells.ts';

/** Pieces longer than this are charged by CPU time: the kernel may have taken the thread away for this long. */
const DOUBTFUL_MS = 5;

export interface MeterOptions {
  readonly board: Board;
  readonly cells: Cells;
  readonly clock: () => number;
  /** CPU time of this thread, ms. */
  readonly cpu: () => number;
}

export class Meter {
  readonly #o: MeterOptions;
  #since = 0;
  /** Time and CPU at the beginning of the turn. */
  #turnAt = 0;
  #turnCpu = 0;
  /** The longest piece of this turn: ms of the clock. */
  longest = 0;

  constructor(options: MeterOptions) {
    this.#o = options;
  }

  /** A turn of the lane begins. */
  turn(now: number): void {
    this.#turnAt = now;
    this.#turnCpu = this.#o.cpu();
    this.longest = 0;
  }

  /** The check code of `cell` is about to run. */
  enter(cell: number): void {
    this.#o.board.header[WORKING] = cell + 1;
    this.#since = this.#o.clock();
  }

  /** It has come back. */
  leave(cell: number): void {
    const { board, cells, clock } = this.#o;
    board.header[WORKING] = 0;
    const length = clock() - this.#since;
    if (length > this.longest) this.longest = length;
    cells.spent[cell]! += length < DOUBTFUL_MS ? length : this.#cpuOf(length);
  }

  /** CPU time of the piece that has just ended: what the turn took, less what it may have taken before. */
  #cpuOf(length: number): number {
    const taken = this.#o.cpu() - this.#turnCpu - (this.#since - this.#turnAt);
    return Math.min(length, Math.max(0, taken));
  }
}
