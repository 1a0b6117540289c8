/**
 * A metric family as columns. `rows` (label values per series) keep their identity while the set of series is unchanged: the
 * exposition caches the rendered labels by that identity, so a scrape only formats numbers.
 */
export interface Family {
  /** With the `fourlane_` prefix; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
  /** Label values of each series, in `labelNames` order. Same array object = same series. */
  readonly rows: readonly (readonly string[])[];
  /** Value of each series. For a histogram: see `buckets`. NaN = leave the series out. */
  readonly values: ArrayLike<number> | BigUint64Array;
  /**
   * Histograms only: upper bounds without +Inf, in base units. `values` then holds, per row, `bounds.length + 1` bucket counts
   * (not cumulative; the last is +Inf) followed by the sum.
   */
  readonly bounds?: readonly number[];
}

/** Something that yields families without doing I/O. */
export interface FamilySource {
  families(): readonly Family[];
}

const UNITS = ['seconds', 'bytes', 'ratio', 'celsius', 'joules', 'volts', 'amperes', 'meters', 'grams'];

/** The base unit that a family's name says; undefined when it says none. */
export function unitOf(name: string): string | undefined {
  const bare = name.replace(/_total$/, '');
  return UNITS.find((u) => bare.endsWith(`_${u}`));
}
