/**
 * The sample lines of one family inside a rendered body. A scrape copies the lines from the body of the scrape before in long
 * spans and writes only numbers that have changed, so its price is one memcpy plus the changes.
 */
import type { Family } from '../model/family.ts';
import { linesPerSeries, type Prefixes, renderPrefixes } from './labels.ts';
import { digits, EXACT, formatNumber, writeInteger } from './numbers.ts';

/** Longest number: 24 characters, and the newline. */
const NUMBER_ROOM = 25;

export class Region {
  readonly rows: Family['rows'];
  readonly #prefixes: Prefixes;
  /** Where each number begins, counted from the region's start. */
  readonly #at: Int32Array;
  readonly #width: Uint8Array;
  readonly #pending: Int32Array;
  #shown: Float64Array;
  #values: Float64Array;
  #exact: BigUint64Array | undefined;
  /** Place of the region in the previous body; -1 = not in it. */
  #start = -1;
  #length = 0;

  constructor(family: Family, constant: string) {
    this.rows = family.rows;
    this.#prefixes = renderPrefixes(family, constant);
    const { count } = this.#prefixes;
    this.#at = new Int32Array(count);
    this.#width = new Uint8Array(count);
    this.#pending = new Int32Array(count);
    this.#shown = new Float64Array(count);
    this.#values = new Float64Array(count);
  }

  /** Bytes that the region may need at most. */
  get room(): number {
    return this.#prefixes.bytes.length + this.#prefixes.count * NUMBER_ROOM;
  }

  /** Takes the family's present numbers: cumulative buckets for histograms, NaN for lines to leave out. */
  load(family: Family): void {
    const { values } = family;
    const into = this.#values;
    this.#exact = undefined;
    if (family.type === 'histogram') {
      cumulate(values, linesPerSeries(family) - 1, into);
    } else if (values instanceof BigUint64Array) {
      this.#exact = values;
      const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
      for (let i = 0; i < into.length; i++) into[i] = halves[2 * i + 1]! * 2 ** 32 + halves[2 * i]!;
    } else {
      for (let i = 0; i < into.length; i++) into[i] = values[i] ?? Number.NaN;
    }
  }

  /** Writes the lines at `cursor` and returns where they end. `previous` is the body written before, if any. */
  write(out: Buffer, cursor: number, previous: Buffer | undefined): number {
    const end = previous === undefined || this.#start < 0 ? -1 : this.#update(out, cursor, previous);
    const stop = end >= 0 ? end : this.#rebuild(out, cursor);
    this.#start = cursor;
    this.#length = stop - cursor;
    [this.#shown, this.#values] = [this.#values, this.#shown];
    return stop;
  }

  /** Copies and patches; -1 when a line has to appear or go away. */
  #update(out: Buffer, cursor: number, previous: Buffer): number {
    const values = this.#values;
    const shown = this.#shown;
    const at = this.#at;
    const width = this.#width;
    const copy: Copy = { out, cursor, previous, grown: 0 };
    let from = 0; // first byte of the old region not yet copied
    let pending = 0; // numbers of unchanged width since the last copied span
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      const old = at[i]!;
      if (copy.grown !== 0) at[i] = old + copy.grown;
      if (v === shown[i]) {
        if (v < EXACT || this.#exact === undefined) continue;
      } else if (Number.isNaN(v) || Number.isNaN(shown[i]!)) {
        if (Number.isNaN(v) && Number.isNaN(shown[i]!)) continue;
        return -1;
      }
      if (isPlain(v) && digits(v) === width[i]) {
        this.#pending[pending++] = i;
        continue;
      }
      this.#span(copy, from, old, pending);
      pending = 0;
      const wide = this.#number(out, cursor + at[i]!, i);
      from = old + width[i]!;
      copy.grown += wide - width[i]!;
      width[i] = wide;
    }
    this.#span(copy, from, this.#length, pending);
    return cursor + this.#length + copy.grown;
  }

  /** Copies old bytes `from` … `to` to their new place, then writes the numbers in it that changed and kept their width. */
  #span({ out, cursor, previous, grown }: Copy, from: number, to: number, pending: number): void {
    previous.copy(out, cursor + from + grown, this.#start + from, this.#start + to);
    for (let k = 0; k < pending; k++) {
      const i = this.#pending[k]!;
      writeInteger(out, cursor + this.#at[i]!, this.#values[i]!, this.#width[i]!);
    }
  }

  #rebuild(out: Buffer, cursor: number): number {
    const { bytes, starts } = this.#prefixes;
    let to = cursor;
    for (let i = 0; i < this.#values.length; i++) {
      this.#at[i] = to - cursor;
      if (Number.isNaN(this.#values[i]!)) continue;
      bytes.copy(out, to, starts[i]!, starts[i + 1]!);
      to += starts[i + 1]! - starts[i]!;
      this.#at[i] = to - cursor;
      const wide = this.#number(out, to, i);
      this.#width[i] = wide;
      to += wide;
      out[to++] = 10;
    }
    return to;
  }

  /** Writes number `i` at `at`; returns its width. */
  #number(out: Buffer, at: number, i: number): number {
    const v = this.#values[i]!;
    if (!isPlain(v)) return out.write(formatNumber(this.#exact !== undefined && v >= EXACT ? this.#exact[i]! : v), at, 'latin1');
    const wide = digits(v);
    writeInteger(out, at, v, wide);
    return wide;
  }
}

/**
 * The old region being copied into the new one, span by span:
 *
 *     previous  …|#start  unchanged  12|  unchanged  7|  unchanged |…
 *     out       …|cursor  unchanged  12|  unchanged  1024|  unchanged |…     grown = 3 after the wider number
 */
interface Copy {
  readonly out: Buffer;
  readonly cursor: number;
  readonly previous: Buffer;
  /** How many bytes longer the new region is so far. */
  grown: number;
}

/** Whether v is written by its digits alone. */
function isPlain(v: number): boolean {
  return v >= 0 && v < EXACT && Number.isInteger(v);
}

/** Per row of `width` values (counts, then the sum): cumulative counts, sum, count. A row with a NaN is left out whole. */
function cumulate(values: Family['values'], width: number, into: Float64Array): void {
  const buckets = width - 1;
  for (let row = 0, to = 0; to < into.length; row += width, to += width + 1) {
    let total = 0;
    for (let b = 0; b < buckets; b++) {
      total += Number(values[row + b]);
      into[to + b] = total;
    }
    into[to + buckets] = Number(values[row + buckets]);
    into[to + buckets + 1] = total;
    if (Number.isNaN(total + into[to + buckets]!)) into.fill(Number.NaN, to, to + width + 1);
  }
}
