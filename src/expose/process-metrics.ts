/**
 * The agent's own process metrics, from prom-client, as Families. prom-client's own text is never used: rendering OpenMetrics from a
 * registry strips `_total` from its counters for good.
 */
import { collectDefaultMetrics, type MetricObjectWithValues, type MetricValueWithName, Registry } from 'prom-client';
import type { Family, FamilySource } from '../model/family.ts';

/** How often the numbers are read. Reading them is I/O (/proc), so scrapes show the last reading. */
const REFRESH_MS = 2000;

type Metric = MetricObjectWithValues<MetricValueWithName<string>>;

export class ProcessMetrics implements FamilySource {
  readonly #registry = new Registry();
  #families: readonly Family[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Reads the metrics now and then every two seconds, until `stop`. */
  async start(): Promise<void> {
    collectDefaultMetrics({ register: this.#registry });
    await this.#read();
    this.#timer = setInterval(() => void this.#read(), REFRESH_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#registry.clear();
  }

  families(): readonly Family[] {
    return this.#families;
  }

  async #read(): Promise<void> {
    const metrics = (await this.#registry.getMetricsAsJSON()) as unknown as Metric[];
    const known = new Map(this.#families.map((f) => [f.name, f]));
    // Some gauges are named like counters (`nodejs_active_handles_total`); they only add up labels of their neighbours.
    this.#families = metrics
      .filter((m) => m.values.length > 0 && (String(m.type) === 'counter') === m.name.endsWith('_total'))
      .map((m) => toFamily(m, known.get(m.name)?.rows));
  }
}

/** One metric of prom-client's JSON as a family; `rows` is kept as its rows when it says the same. */
export function toFamily(metric: Metric, rows?: Family['rows']): Family {
  const isHistogram = String(metric.type) === 'histogram';
  const base = { name: metric.name, help: metric.help, type: String(metric.type) as Family['type'] };
  const labelNames = [...new Set(metric.values.flatMap((v) => Object.keys(v.labels)))].filter(
    (name) => !isHistogram || name !== 'le',
  );
  const labels = (v: Metric['values'][number]) =>
    labelNames.map((name) => String((v.labels as Record<string, unknown>)[name] ?? ''));
  if (!isHistogram) {
    const made = metric.values.map(labels);
    return { ...base, labelNames, rows: keep(made, rows), values: Float64Array.from(metric.values, (v) => v.value) };
  }
  const le = (v: Metric['values'][number]) => (v.labels as Record<string, unknown>)['le'];
  const bounds = [...new Set(metric.values.map(le).filter((b) => typeof b === 'number'))];
  const series = new Map<string, { readonly row: string[]; readonly values: number[] }>();
  for (const v of metric.values) {
    const row = labels(v);
    const one = series.get(row.join('\0')) ?? { row, values: [] };
    series.set(row.join('\0'), one);
    if (v.metricName?.endsWith('_bucket') === true) one.values.push(v.value);
    else if (v.metricName?.endsWith('_sum') === true) one.values[bounds.length + 1] = v.value;
  }
  // prom-client's buckets are cumulative, a Family's are not.
  for (const { values } of series.values()) for (let b = bounds.length; b > 0; b--) values[b]! -= values[b - 1]!;
  const all = [...series.values()];
  return {
    ...base,
    labelNames,
    bounds,
    rows: keep(
      all.map((s) => s.row),
      rows,
    ),
    values: Float64Array.from(all.flatMap((s) => s.values)),
  };
}

function keep(made: Family['rows'], known: Family['rows'] | undefined): Family['rows'] {
  return known !== undefined && JSON.stringify(known) === JSON.stringify(made) ? known : made;
}
