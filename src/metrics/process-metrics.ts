/**
 * The agent's own process metrics, from prom-client, as Families. prom-client's own text is never used: rendering OpenMetrics
 * from a registry strips `_total` from its counters for good.
 */
import { createRequire } from 'node:module';
import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';
import type { Family, FamilySource } from '../model/family.ts';

/** How often the numbers are read. Reading them is I/O (/proc), so scrapes show the last reading. */
const REFRESH_MS = 2000;

/**
 * Taken one by one: the package as a whole also loads OpenTelemetry's API, for exemplars of its CPU counters that nobody asks
 * for, and an agent that exports nothing must not load it. Those counters are our own.
 */
const PARTS = [
  'processStartTime',
  'osMemoryHeap',
  'processOpenFileDescriptors',
  'processMaxFileDescriptors',
  'eventLoopLag',
  'processResources',
  'processHandles',
  'processRequests',
  'heapSizeAndUsed',
  'heapSpacesSizeAndUsed',
  'version',
  'gc',
];
const load = createRequire(import.meta.url);
const NewRegistry = load('prom-client/lib/registry') as typeof Registry;
type Part = (registry: Registry, config: { readonly eventLoopMonitoringPrecision: number }) => void;

type Metric = MetricObjectWithValues<MetricValueWithName<string>>;

export class ProcessMetrics implements FamilySource {
  readonly #registry = new NewRegistry();
  #families: readonly Family[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Reads the metrics now and then every two seconds, until `stop`. */
  async start(): Promise<void> {
    for (const part of PARTS)
      (load(`prom-client/lib/metrics/${part}`) as Part)(this.#registry, { eventLoopMonitoringPrecision: 10 });
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
    const known = new Map(this.#families.map((family) => [family.name, family]));
    // Some gauges are named like counters (`nodejs_active_handles_total`); they only add up labels of their neighbours.
    const shown = metrics
      .filter((metric) => metric.values.length > 0 && (String(metric.type) === 'counter') === metric.name.endsWith('_total'))
      .map((metric) => toFamily(metric, known.get(metric.name)?.rows));
    this.#families = [...cpuFamilies(process.cpuUsage()), ...shown];
  }
}

const SINGLE: Family['rows'] = [[]];

/** CPU time since the process began. */
function cpuFamilies({ user, system }: NodeJS.CpuUsage): Family[] {
  const family = (name: string, what: string, micros: number): Family => ({
    name: `process_cpu_${name}seconds_total`,
    help: `Total ${what} CPU time spent in seconds.`,
    type: 'counter',
    labelNames: [],
    rows: SINGLE,
    values: [micros / 1e6],
  });
  return [family('user_', 'user', user), family('system_', 'system', system), family('', 'user and system', user + system)];
}

/** One metric of prom-client's JSON as a family; `rows` is kept as its rows when it says the same. */
export function toFamily(metric: Metric, rows?: Family['rows']): Family {
  const isHistogram = String(metric.type) === 'histogram';
  const all = metric.values.map((value) => ({
    ...value,
    labels: value.labels as Readonly<Record<string, string | number | undefined>>,
  }));
  const labelNames = [...new Set(all.flatMap((each) => Object.keys(each.labels)))].filter(
    (name) => !isHistogram || name !== 'le',
  );
  const row = (v: (typeof all)[number]) => labelNames.map((name) => String(v.labels[name] ?? ''));
  const base = { name: metric.name, help: metric.help, type: String(metric.type) as Family['type'], labelNames };
  if (!isHistogram) return { ...base, rows: keep(all.map(row), rows), values: Float64Array.from(all, (v) => v.value) };
  const bounds = [...new Set(all.map((each) => each.labels['le']).filter((le) => typeof le === 'number'))];
  const series = [...Map.groupBy(all, (v) => row(v).join('\0')).values()].map((lines) => {
    const buckets = lines.filter((line) => line.metricName?.endsWith('_bucket'));
    const sum = lines.find((line) => line.metricName?.endsWith('_sum'))?.value ?? 0;
    // prom-client's buckets are cumulative, a Family's are not.
    return {
      row: row(lines[0]!),
      values: [...buckets.map((bucket, index) => bucket.value - (buckets[index - 1]?.value ?? 0)), sum],
    };
  });
  const values = Float64Array.from(series.flatMap((one) => one.values));
  return {
    ...base,
    bounds,
    rows: keep(
      series.map((one) => one.row),
      rows,
    ),
    values,
  };
}

function keep(made: Family['rows'], known: Family['rows'] | undefined): Family['rows'] {
  return known !== undefined && JSON.stringify(known) === JSON.stringify(made) ? known : made;
}
