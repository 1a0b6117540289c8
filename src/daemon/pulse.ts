/**
 * What every thread may read of the judge without asking: two 32-bit cells, written by the judge's thread alone, with Atomics.
 *
 *     | 0: when it last turned, ms of the clock modulo 2^32 | 1: how many changes worth seeing at once there were |
 */

const BEAT = 0;
const CHANGES = 1;

export class Pulse {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** The judge turns. @param now ms of the clock */
  beat(now: number): void {
    Atomics.store(this.#cells, BEAT, now | 0);
  }

  /** How long ago the judge turned, ms. */
  silentMs(now: number): number {
    return Math.max(0, ((now | 0) - Atomics.load(this.#cells, BEAT)) | 0);
  }

  /** Something has changed that a reader must see at once. */
  change(): void {
    Atomics.add(this.#cells, CHANGES, 1);
  }

  /** Number of changes so far. */
  get changes(): number {
    return Atomics.load(this.#cells, CHANGES);
  }
}
