/**
 * Keys and values of a range in columns and a few big buffers. As objects, 100 000 keys are half a million of them for a full
 * garbage collection to walk, and it holds the judge's thread meanwhile; so they are some hundreds.
 *
 * An entry has a slot. `index` finds it by the hash of its key (open addressing, linear probing). Key and value lie one behind
 * the other in a chunk, which is added to until it is full. One that is mostly of the past is emptied into the last one, and used
 * again.
 */
import { Chunk, Chunks, isAlone } from './chunk.ts';

export interface Item {
  /** A view of what is kept, until a key changes next: whoever keeps it copies it. */
  readonly value: Uint8Array;
  readonly modified: number;
  readonly created: number;
}

/** Keys and values, to read. */
export interface Items extends Iterable<readonly [key: string, item: Item]> {
  readonly size: number;
  get(key: string): Item | undefined;
  keys(): Iterable<string>;
}

/** What is kept of an entry besides key and value. */
export interface Entry extends Item {
  /** Who wrote it last: any number. */
  readonly mark: number;
}

const FIRST_SLOTS = 16;
const NONE = -1;
/** Of a slot that has nothing. */
const NOWHERE = new Chunk(0);

export class Table implements Items {
  #size = 0;
  /** Slots that were in use, up to which columns are read. */
  #slots = 0;
  #free: number[] = [];
  /** By place: slot + 1; 0 = nothing. A power of two, at most three quarters full. */
  #index = ints(2 * FIRST_SLOTS);
  #hashes = ints(FIRST_SLOTS);
  /** Of its bytes in its chunk: where they begin, and how many are key and value. Key length `NONE` = the slot is free. */
  #starts = ints(FIRST_SLOTS);
  #keyLengths = ints(FIRST_SLOTS);
  #valueLengths = ints(FIRST_SLOTS);
  #modified = doubles(FIRST_SLOTS);
  #created = doubles(FIRST_SLOTS);
  #marks = ints(FIRST_SLOTS);
  readonly #chunkOf: Chunk[] = [];
  readonly #chunks = new Chunks();
  #last = NOWHERE;
  /** Bytes of all keys and values. */
  #bytes = 0;
  /** The key that is looked for, as bytes. */
  #wanted = Buffer.alloc(256);
  #wantedLength = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Item | undefined {
    const slot = this.#find(key);
    return slot === NONE ? undefined : this.#item(slot);
  }

  /** Whether a key is there with this revision and value. */
  has(key: string, modified: number, value: Uint8Array): boolean {
    const slot = this.#find(key);
    return slot !== NONE && this.#modified[slot] === modified && Buffer.compare(this.#value(slot), value) === 0;
  }

  set(key: string, { value, modified, created, mark }: Entry): void {
    let slot = this.#find(key);
    if (slot === NONE) slot = this.#add();
    else this.#release(slot);
    this.#modified[slot] = modified;
    this.#created[slot] = created;
    this.#marks[slot] = mark;
    this.#put(slot, this.#wanted.subarray(0, this.#wantedLength), value);
  }

  delete(key: string): void {
    const slot = this.#find(key);
    if (slot === NONE) return;
    this.#unlink(slot);
    this.#release(slot);
    this.#keyLengths[slot] = NONE;
    this.#free.push(slot);
    this.#size--;
  }

  /** Keys whose mark is another. */
  without(mark: number): string[] {
    const others: string[] = [];
    for (let slot = 0; slot < this.#slots; slot++)
      if (this.#keyLengths[slot] !== NONE && this.#marks[slot] !== mark) others.push(this.#key(slot));
    return others;
  }

  *keys(): Iterable<string> {
    for (const slot of this.#used()) yield this.#key(slot);
  }

  *[Symbol.iterator](): Iterator<readonly [string, Item]> {
    for (const slot of this.#used()) yield [this.#key(slot), this.#item(slot)];
  }

  /** Bytes of the buffers that keys and values lie in, or can, and how many they are. */
  get kept(): { readonly buffers: number; readonly bytes: number } {
    return this.#chunks.kept;
  }

  *#used(): Iterable<number> {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#keyLengths[slot] !== NONE) yield slot;
  }

  #item = (slot: number): Item => ({
    value: this.#value(slot),
    modified: this.#modified[slot]!,
    created: this.#created[slot]!,
  });

  #key(slot: number): string {
    const start = this.#starts[slot]!;
    return this.#chunkOf[slot]!.bytes.toString('utf8', start, start + this.#keyLengths[slot]!);
  }

  #value(slot: number): Uint8Array {
    const start = this.#starts[slot]! + this.#keyLengths[slot]!;
    return this.#chunkOf[slot]!.bytes.subarray(start, start + this.#valueLengths[slot]!);
  }

  /** The slot of a key, whose bytes are in `wanted` from now on. */
  #find(key: string): number {
    if (this.#wanted.length < 3 * key.length) this.#wanted = Buffer.alloc(6 * key.length);
    const length = (this.#wantedLength = this.#wanted.write(key));
    const hash = hashOf(this.#wanted, length);
    const mask = this.#index.length - 1;
    for (let at = hash & mask; this.#index[at] !== 0; at = (at + 1) & mask) {
      const slot = this.#index[at]! - 1;
      if (this.#hashes[slot] === hash && this.#isWanted(slot)) return slot;
    }
    return NONE;
  }

  #isWanted(slot: number): boolean {
    const length = this.#wantedLength;
    if (this.#keyLengths[slot] !== length) return false;
    const start = this.#starts[slot]!;
    return this.#chunkOf[slot]!.bytes.compare(this.#wanted, 0, length, start, start + length) === 0;
  }

  /** A slot for the key in `wanted`, in the index. */
  #add(): number {
    const slot = this.#free.pop() ?? this.#slots++;
    if (slot >= this.#hashes.length) this.#grow();
    this.#hashes[slot] = hashOf(this.#wanted, this.#wantedLength);
    this.#size++;
    this.#link(slot);
    return slot;
  }

  #link(slot: number): void {
    const mask = this.#index.length - 1;
    let at = this.#hashes[slot]! & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  /** What stands behind it moves up, so that every search still finds it. */
  #unlink(slot: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let hole = this.#hashes[slot]! & mask;
    while (index[hole] !== slot + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashes[index[at]! - 1]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at]!;
      hole = at;
    }
    index[hole] = 0;
  }

  #grow(): void {
    const slots = 2 * this.#hashes.length;
    const longer = <T extends { set(from: T): void }>(column: T, into: T): T => (into.set(column), into);
    this.#hashes = longer(this.#hashes, ints(slots));
    this.#starts = longer(this.#starts, ints(slots));
    this.#keyLengths = longer(this.#keyLengths, ints(slots));
    this.#valueLengths = longer(this.#valueLengths, ints(slots));
    this.#marks = longer(this.#marks, ints(slots));
    this.#modified = longer(this.#modified, doubles(slots));
    this.#created = longer(this.#created, doubles(slots));
    this.#index = ints(2 * slots);
    // The one that needs the room has no hash yet.
    for (let slot = 0; slot < this.#slots - 1; slot++) this.#link(slot);
  }

  #put(slot: number, key: Uint8Array, value: Uint8Array): void {
    const bytes = key.length + value.length;
    const chunk = this.#roomFor(bytes);
    const start = chunk.take(bytes);
    chunk.bytes.set(key, start);
    chunk.bytes.set(value, start + key.length);
    chunk.slots.push(slot);
    this.#starts[slot] = start;
    this.#keyLengths[slot] = key.length;
    this.#valueLengths[slot] = value.length;
    this.#chunkOf[slot] = chunk;
    this.#bytes += bytes;
  }

  #roomFor(bytes: number): Chunk {
    if (isAlone(bytes)) return this.#chunks.take(0, bytes);
    // What is left of the former one may fill the new one.
    while (this.#last.left < bytes) {
      const former = this.#last;
      this.#last = this.#chunks.take(this.#bytes, bytes);
      if (former.isMostlyPast) this.#empty(former);
    }
    return this.#last;
  }

  /** Its bytes are of the past. */
  #release(slot: number): void {
    const chunk = this.#chunkOf[slot]!;
    const bytes = this.#keyLengths[slot]! + this.#valueLengths[slot]!;
    chunk.live -= bytes;
    this.#bytes -= bytes;
    this.#chunkOf[slot] = NOWHERE;
    if (chunk !== this.#last && chunk.isMostlyPast) this.#empty(chunk);
  }

  #empty(chunk: Chunk): void {
    for (const slot of chunk.slots) {
      if (this.#chunkOf[slot] !== chunk) continue;
      const start = this.#starts[slot]!;
      const middle = start + this.#keyLengths[slot]!;
      this.#bytes -= this.#keyLengths[slot]! + this.#valueLengths[slot]!;
      this.#put(slot, chunk.bytes.subarray(start, middle), chunk.bytes.subarray(middle, middle + this.#valueLengths[slot]!));
    }
    this.#chunks.giveBack(chunk, this.#bytes);
  }
}

/** Columns are shared memory for the reason that chunks are. */
const ints = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length));

/** FNV-1a. */
function hashOf(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  // Places are its low bits.
  return hash ^ (hash >>> 15);
}
