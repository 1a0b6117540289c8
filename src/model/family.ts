/** What is exported: metrics as they are named, and families with their series. */

/** A metric as it is named and documented. */
export interface Metric {
  /** With the `fourlane_` prefix; counters end in `_total`, units are base units. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
}

/** A gauge; `name` without the prefix. */
export function gauge(name: string, help: string, labelNames: readonly string[] = []): Metric {
  return { name: `fourlane_${name}`, help, type: 'gauge', labelNames };
}

/** A counter; `name` without the prefix. */
export function counter(name: string, help: string, labelNames: readonly string[] = []): Metric {
  return { ...gauge(name, help, labelNames), type: 'counter' };
}

/** A histogram; `name` without the prefix. Its bounds come with the series. */
export function histogram(name: string, help: string, labelNames: readonly string[] = []): Metric {
  return { ...gauge(name, help, labelNames), type: 'histogram' };
}

/** Label values of each series. */
export type Rows = readonly (readonly string[])[];

/**
 * A metric with its series, as columns. `rows` (label values per series) keep their identity while the set of series is
 * unchanged: the exposition caches the rendered labels by that identity, so a scrape only formats numbers.
 */
export interface Family extends Metric {
  /** Label values of each series, in `labelNames` order. Same array object = same series. */
  readonly rows: Rows;
  /** Value of each series. For a histogram: see `bounds`. NaN = leave the series out. */
  readonly values: ArrayLike<number> | BigUint64Array;
  /**
   * Histograms only: upper bounds without +Inf, in base units. `values` then holds, per row, `bounds.length + 1` bucket counts
   * (not cumulative; the last is +Inf) followed by the sum.
   */
  readonly bounds?: readonly number[];
}

/** A metric with these series; those of a histogram as `Histogram` counts them. */
export function family(metric: Metric, rows: Rows, values: Family['values'], bounds?: readonly number[]): Family {
  return { ...metric, rows, values, ...(bounds === undefined ? {} : { bounds }) };
}

/** The rows of a family of one series without labels. */
export const ONE_ROW: Rows = [[]];

/** Something that yields families without doing I/O. */
export interface FamilySource {
  families(): readonly Family[];
}

const UNITS = ['seconds', 'bytes', 'ratio', 'celsius', 'joules', 'volts', 'amperes', 'meters', 'grams'];

/** The base unit in a family's name; undefined when there is none. */
export function unitOf(name: string): string | undefined {
  const bare = name.replace(/_total$/, '');
  return UNITS.find((u) => bare.endsWith(`_${u}`));
}
