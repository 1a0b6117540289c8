/**
 * A collector's samples as families: monotonic counters, series limited, rows that keep their identity while nothing appears or
 * goes.
 */
import type { Exact } from '../model/exact.ts';
import { type Family, family, type Metric } from '../model/family.ts';
import type { HistogramReading, Samples } from './collector.ts';
import { Table } from './table.ts';

interface Part {
  readonly metric: Metric;
  readonly table: Table;
  readonly bounds?: readonly number[];
}

/** Bounds as text: one list of them comes with the series of many cores, and numbers as text cost more than all else here. */
const texts = new WeakMap<readonly number[], string>();

function textOf(bounds: readonly number[]): string {
  let text = texts.get(bounds);
  if (text === undefined) texts.set(bounds, (text = bounds.join(' ')));
  return text;
}

export class Output implements Samples {
  readonly #most: number;
  #parts = new Map<Metric, Part>();
  /** Histograms whose series come with several sets of bounds: a family each. */
  #histograms = new Map<string, Part>();

  /** `most`: series per metric; more are dropped and counted. */
  constructor(most = 200_000) {
    this.#most = most;
  }

  /** Takes one reading: everything that `write` writes. When it throws, nothing is kept, also of former readings. */
  take(write: (samples: Samples) => void): void {
    try {
      for (const { table } of this.#all()) table.begin();
      write(this);
      for (const { table } of this.#all()) table.end();
    } catch (error) {
      this.clear();
      throw error;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#parts = new Map();
    this.#histograms = new Map();
  }

  /** Every series of these gauges is 0 from now on. */
  zero(metrics: readonly Metric[]): void {
    for (const metric of metrics) this.#parts.get(metric)?.table.values.fill(0);
  }

  /** There are no series of these gauges any more. */
  drop(metrics: readonly Metric[]): void {
    for (const metric of metrics) this.#parts.delete(metric);
  }

  families(): readonly Family[] {
    return this.#all().map(({ metric, table, bounds }) => family(metric, table.rows, table.values, bounds));
  }

  /** Series refused so far, by family; only families that have any. */
  dropped(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { metric, table } of this.#all()) {
      if (table.dropped > 0) sums.set(metric.name, (sums.get(metric.name) ?? 0) + table.dropped);
    }
    return sums;
  }

  keep(metrics: readonly Metric[]): boolean {
    const kept = metrics.flatMap((metric) => this.#parts.get(metric) ?? []);
    for (const { table } of kept) table.keep();
    return kept.length > 0;
  }

  gauge(metric: Metric, labels: readonly string[], value: number): void {
    this.#table(metric).set(labels, value);
  }

  counter(metric: Metric, labels: readonly string[], value: Exact, epoch?: Exact | string): Exact {
    return this.#table(metric).follow(labels, [value], epoch);
  }

  increase(metric: Metric, labels: readonly string[], by: Exact): void {
    this.#table(metric).increase(labels, by);
  }

  histogram(metric: Metric, labels: readonly string[], { bounds, counts, sum, epoch }: HistogramReading): void {
    if (counts.length !== bounds.length + 1) {
      throw new RangeError(
        `${metric.name} has ${bounds.length} bounds and ${counts.length} counts; one count more than bounds is needed`,
      );
    }
    const key = `${metric.name} ${textOf(bounds)}`;
    let part = this.#histograms.get(key);
    if (part === undefined) {
      part = { metric, table: this.#newTable(counts.length + 1), bounds };
      this.#histograms.set(key, part);
    }
    part.table.follow(labels, [...counts, sum], epoch);
  }

  #table(metric: Metric): Table {
    let part = this.#parts.get(metric);
    if (part === undefined) {
      part = { metric, table: this.#newTable(1) };
      this.#parts.set(metric, part);
    }
    return part.table;
  }

  #newTable(width: number): Table {
    const table = new Table(width, this.#most);
    table.begin();
    return table;
  }

  #all(): readonly Part[] {
    return [...this.#parts.values(), ...this.#histograms.values()];
  }
}
