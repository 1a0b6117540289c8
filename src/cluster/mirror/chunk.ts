/** Buffers that entries lie in, one behind the other. Bytes are added and never changed: a view of them stays as it is. */

const FIRST_BYTES = 4 << 10;
const MOST_BYTES = 128 << 10;

export class Chunk {
  readonly bytes: Buffer;
  /** Slots of the entries that were put here, perhaps of some that are elsewhere now. */
  readonly slots: number[] = [];
  /** Bytes of the entries that are here. */
  live = 0;
  #used = 0;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  get left(): number {
    return this.bytes.length - this.#used;
  }

  /** Less than half of what was put here is still here. */
  get isMostlyPast(): boolean {
    return this.live < this.#used / 2;
  }

  /** @returns where so many bytes begin; there must be room */
  take(bytes: number): number {
    const start = this.#used;
    this.#used += bytes;
    this.live += bytes;
    return start;
  }
}

/** Whether an entry of so many bytes has a chunk of its own. */
export function isAlone(bytes: number): boolean {
  return bytes > MOST_BYTES / 2;
}

/** A chunk for a table whose entries have so many bytes in all: a small table keeps to a few kB. */
export function chunkFor(live: number, needed: number): Chunk {
  return new Chunk(Math.max(needed, Math.min(MOST_BYTES, Math.max(FIRST_BYTES, live))));
}
