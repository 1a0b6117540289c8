/**
 * The deadline wheel: one entry per cell, either its next start or the deadline of the probe in flight. Doubly linked lists in
 * typed arrays, so scheduling, cancelling and firing are O(1) and allocate nothing. A slot is 1 ms; of the ms that has begun,
 * what is due already fires. The horizon is 2^15 ms; what is due later waits in the last slot and is put forward again.
 */

const SLOTS = 1 << 15;
const MASK = SLOTS - 1;
const NONE = -1;

export class Wheel {
  readonly #first = new Int32Array(SLOTS).fill(NONE);
  #next: Int32Array;
  #previous: Int32Array;
  /** Slot a cell is in, or NONE. */
  #slot: Int32Array;
  /** Exact due time in ms. */
  due: Float64Array;
  #now: number;
  #size = 0;

  /** @param now ms; nothing can be due before it. */
  constructor(capacity: number, now: number) {
    this.#next = new Int32Array(capacity).fill(NONE);
    this.#previous = new Int32Array(capacity).fill(NONE);
    this.#slot = new Int32Array(capacity).fill(NONE);
    this.due = new Float64Array(capacity);
    this.#now = Math.floor(now);
  }

  get size(): number {
    return this.#size;
  }

  /** Makes room for more cells. */
  grow(capacity: number): void {
    if (capacity <= this.due.length) return;
    const larger = (old: Int32Array) => {
      const made = new Int32Array(capacity).fill(NONE);
      made.set(old);
      return made;
    };
    this.#next = larger(this.#next);
    this.#previous = larger(this.#previous);
    this.#slot = larger(this.#slot);
    const due = new Float64Array(capacity);
    due.set(this.due);
    this.due = due;
  }

  /** Sets the one time at which the cell fires; replaces what was set. */
  schedule(cell: number, due: number): void {
    this.cancel(cell);
    this.due[cell] = due;
    this.#insert(cell);
  }

  #insert(cell: number): void {
    const tick = Math.min(Math.max(Math.ceil(this.due[cell]!), this.#now + 1), this.#now + MASK);
    this.#put(cell, tick & MASK);
  }

  #put(cell: number, slot: number): void {
    const head = this.#first[slot]!;
    this.#slot[cell] = slot;
    this.#previous[cell] = NONE;
    this.#next[cell] = head;
    if (head !== NONE) this.#previous[head] = cell;
    this.#first[slot] = cell;
    this.#size++;
  }

  /** Forgets the cell's time; a cell without one is fine. */
  cancel(cell: number): void {
    const slot = this.#slot[cell]!;
    if (slot === NONE) return;
    const next = this.#next[cell]!;
    const previous = this.#previous[cell]!;
    if (previous === NONE) this.#first[slot] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
    this.#slot[cell] = NONE;
    this.#size--;
  }

  /** Fires every cell that is due at `now`, in time order by ms. `fire` may schedule and cancel any cell. */
  advance(now: number, fire: (cell: number, due: number) => void): void {
    const target = Math.floor(now);
    // After a stall longer than the wheel, one full turn visits every slot.
    if (target - this.#now > SLOTS) this.#now = target - SLOTS;
    while (this.#now < target - 1) {
      this.#now++;
      this.#empty(now, fire);
    }
    this.#now = target;
    // Before the last slot is emptied: what its cells schedule is for the next turn.
    this.#forward(now);
    this.#empty(now, fire);
  }

  /** Fires what is in the slot of this ms. Nothing is ever inserted there meanwhile: schedules land 1 … MASK ms ahead. */
  #empty(now: number, fire: (cell: number, due: number) => void): void {
    const slot = this.#now & MASK;
    for (let cell = this.#first[slot]!; cell !== NONE; cell = this.#first[slot]!) {
      this.cancel(cell);
      const due = this.due[cell]!;
      if (due > now) this.#insert(cell);
      else fire(cell, due);
    }
  }

  /** Puts forward what is due in the part of the next slot that has passed: waiting there would make it late by up to 1 ms. */
  #forward(now: number): void {
    let cell = this.#first[(this.#now + 1) & MASK]!;
    while (cell !== NONE) {
      const next = this.#next[cell]!;
      if (this.due[cell]! <= now) {
        this.cancel(cell);
        this.#put(cell, this.#now & MASK);
      }
      cell = next;
    }
  }

  /** ms until the next non-empty slot, looking at most `limit` ms ahead. */
  idleFor(now: number, limit: number): number {
    const from = Math.floor(now);
    for (let i = 1; i <= limit; i++) if (this.#first[(from + i) & MASK] !== NONE) return i;
    return limit;
  }
}
