/**
 * The series of one metric over readings. While a reading has the same series in the same order as the one before, rows keep
 * their identity and only numbers are written; any difference makes a new list of rows once.
 */
import { type Exact, minus, plus } from '../model/exact.ts';

type Row = readonly string[];
export type Epoch = Exact | string | undefined;

/** What is remembered of a series. Counters: one column; histograms: the buckets, then the sum. */
interface Memory {
  raw: Exact[];
  total: Exact[];
  epoch: Epoch;
}

const NEW: Memory = { raw: [], total: [], epoch: undefined };
/**
 * Readings for which a vanished series is remembered: one that a reading missed must not count its whole past again when it is
 * back.
 */
const REMEMBERED = 60;

export class Table {
  /** Columns of numbers per series. */
  readonly #width: number;
  readonly #most: number;
  #rows: Row[] = [];
  #memory: Memory[] = [];
  #cursor = 0;
  /**
   * From the first difference to the end of the reading: what the former rows from there on remember, and what was written so
   * far.
   */
  #former: Map<string, Memory> | undefined;
  readonly #gone = new Map<string, { readonly memory: Memory; readonly reading: number }>();
  #reading = 0;
  #seen = new Set<string>();
  values: number[] = [];
  /** Series refused: over the limit, or a second one with the same labels. */
  dropped = 0;

  constructor(width: number, most: number) {
    this.#width = width;
    this.#most = most;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  begin(): void {
    this.#cursor = 0;
    this.#reading++;
  }

  /** Ends a reading; series it did not mention are gone. */
  end(): void {
    if (this.#cursor < this.#rows.length) this.#differ();
    for (const [key, memory] of this.#former ?? []) {
      if (!this.#seen.has(key) && memory !== NEW) this.#gone.set(key, { memory, reading: this.#reading });
    }
    for (const [key, { reading }] of this.#gone) if (reading < this.#reading - REMEMBERED) this.#gone.delete(key);
    this.#former = undefined;
    this.#seen.clear();
  }

  /** In place of writing anything: this reading has all series of the one before, with their values. */
  keep(): void {
    this.#cursor = this.#rows.length;
  }

  set(labels: Row, value: number): void {
    const i = this.#place(labels);
    if (i >= 0) this.values[i] = value;
  }

  /** Adds the increase of each column since the last reading. @returns the first column's */
  follow(labels: Row, raw: readonly Exact[], epoch: Epoch): Exact {
    const i = this.#place(labels);
    if (i < 0) return 0;
    const memory = this.#own(i);
    // Every column counts up together: one that went back means that all started again.
    const restarted = memory.epoch !== epoch || memory.raw.length === 0 || raw.some((v, c) => v < memory.raw[c]!);
    let first: Exact = 0;
    for (let c = 0; c < this.#width; c++) {
      const by = restarted ? raw[c]! : minus(raw[c]!, memory.raw[c]!);
      if (c === 0) first = by;
      this.#add(memory, i, c, by);
      memory.raw[c] = raw[c]!;
    }
    memory.epoch = epoch;
    return first;
  }

  /** Several of one series in a reading add up; cheap when they follow one another. */
  increase(labels: Row, by: Exact): void {
    const last = this.#cursor - 1;
    const again = last >= 0 && same(this.#rows[last]!, labels);
    const i = again ? last : this.#place(labels, true);
    if (i >= 0) this.#add(this.#own(i), i, 0, by);
  }

  #add(memory: Memory, i: number, column: number, by: Exact): void {
    const total = plus(memory.total[column] ?? 0, by);
    memory.total[column] = total;
    this.values[i * this.#width + column] = Number(total);
  }

  #own(i: number): Memory {
    const memory = this.#memory[i]!;
    return memory === NEW ? (this.#memory[i] = { raw: [], total: [], epoch: undefined }) : memory;
  }

  /**
   * Position of the series in this reading; -1 = refused. `again`: one that is there already is meant, not repeated by mistake.
   */
  #place(labels: Row, again = false): number {
    if (this.#former === undefined) {
      const known = this.#rows[this.#cursor];
      if (known !== undefined && same(known, labels)) return this.#cursor++;
      this.#differ();
    }
    const key = labels.join('\0');
    if (again && this.#seen.has(key)) return this.#rows.findIndex((row) => same(row, labels));
    if (this.#rows.length >= this.#most || this.#seen.has(key)) {
      this.dropped++;
      return -1;
    }
    this.#seen.add(key);
    const memory = this.#former!.get(key) ?? this.#gone.get(key)?.memory ?? NEW;
    this.#gone.delete(key);
    this.#rows.push(labels);
    this.#memory.push(memory);
    for (let c = 0; c < this.#width; c++) this.values.push(Number(memory.total[c] ?? 0));
    return this.#cursor++;
  }

  /** The reading differs from here on: a new list of rows, the former ones kept aside. */
  #differ(): void {
    const at = this.#cursor;
    this.#former = new Map();
    for (let i = at; i < this.#rows.length; i++) this.#former.set(this.#rows[i]!.join('\0'), this.#memory[i]!);
    // Copies: the lists of the reading before may be shown by a scrape until this one has ended.
    this.#rows = this.#rows.slice(0, at);
    this.#memory.length = at;
    this.values = this.values.slice(0, at * this.#width);
    this.#seen = new Set(this.#rows.map((row) => row.join('\0')));
  }
}

function same(a: Row, b: Row): boolean {
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
