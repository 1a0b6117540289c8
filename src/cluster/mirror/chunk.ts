/**
 * Buffers that entries lie in, one behind the other. Those that are let go are used again: a table that is written for ever makes
 * no garbage.
 *
 * They are shared memory, which V8 does not count to what a thread keeps: 26 MB of a table that count make it collect the whole
 * heap again and again while they grow, and its helpers take the CPUs from the judge meanwhile.
 */

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
    this.bytes = Buffer.from(new SharedArrayBuffer(bytes));
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

  clear(): void {
    this.slots.length = 0;
    this.live = 0;
    this.#used = 0;
  }
}

/** Whether an entry of so many bytes has a chunk of its own. */
export function isAlone(bytes: number): boolean {
  return bytes > MOST_BYTES / 2;
}

/** The chunks of a table. */
export class Chunks {
  #count = 0;
  /** Of chunks that entries lie in, and of those that wait for some. */
  #bytes = 0;
  #spareBytes = 0;
  readonly #spare: Chunk[] = [];

  get kept(): { readonly buffers: number; readonly bytes: number } {
    return { buffers: this.#count + this.#spare.length, bytes: this.#bytes + this.#spareBytes };
  }

  /** One for a table whose entries have so many bytes in all: a small table keeps to a few kB. */
  take(live: number, needed: number): Chunk {
    const bytes = powerOfTwo(Math.max(needed, Math.min(MOST_BYTES, Math.max(FIRST_BYTES, live))));
    const at = this.#spare.findIndex((chunk) => chunk.bytes.length === bytes);
    const chunk = at === -1 ? new Chunk(bytes) : this.#spare.splice(at, 1)[0]!;
    if (at !== -1) this.#spareBytes -= bytes;
    this.#count++;
    this.#bytes += bytes;
    return chunk;
  }

  /** Nothing lies in it any more. What is more than twice what the table needs is not kept. */
  giveBack(chunk: Chunk, live: number): void {
    chunk.clear();
    this.#count--;
    this.#bytes -= chunk.bytes.length;
    this.#spareBytes += chunk.bytes.length;
    this.#spare.push(chunk);
    while (this.#spare.length > 0 && this.#bytes + this.#spareBytes > 2 * live + MOST_BYTES)
      this.#spareBytes -= this.#spare.shift()!.bytes.length;
  }
}

/** The first that is not less. */
function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
