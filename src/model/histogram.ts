/** Counts observations per bucket, in the layout that a histogram `Family` has. */

/** Adds an observation to the counts that begin at `at`: one per bound, one above them all, then the sum. */
export function observe(counts: Float64Array, at: number, bounds: readonly number[], value: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  counts[at + bucket]! += 1;
  counts[at + bounds.length + 1]! += value;
}

export class Histogram {
  readonly bounds: readonly number[];
  /** `bounds.length + 2` numbers per series, see `observe`. */
  readonly values: Float64Array;

  /** @param bounds upper bounds, ascending, in the unit of the values */
  constructor(bounds: readonly number[], series = 1) {
    this.bounds = bounds;
    this.values = new Float64Array(series * (bounds.length + 2));
  }

  observe(value: number, series = 0): void {
    observe(this.values, series * (this.bounds.length + 2), this.bounds, value);
  }
}
