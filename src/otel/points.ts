/** Frames → the metric data of OpenTelemetry's SDK: same names, labels and numbers as on /metrics. Pure. */
import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import { type Family, unitOf } from '../model/family.ts';
import type { FamilyFrame } from '../metrics/frames.ts';
import type { Attributes } from './messages.ts';

/** Units of Prometheus' names as UCUM writes them. */
const UCUM: Readonly<Record<string, string>> = {
  seconds: 's',
  bytes: 'By',
  ratio: '1',
  celsius: 'Cel',
  joules: 'J',
  volts: 'V',
  amperes: 'A',
  meters: 'm',
  grams: 'g',
};
const INT64_MAX = 2n ** 63n - 1n;

export interface Moment {
  readonly start: HrTime;
  readonly end: HrTime;
  /** On every point. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Attributes are made when they are serialised: of 100 000 series only the batch being sent has them. */
class Point<T> implements DataPoint<T> {
  readonly #moment: Moment;
  readonly #names: readonly string[];
  readonly #row: readonly string[];
  readonly value: T;

  constructor(moment: Moment, names: readonly string[], row: readonly string[], value: T) {
    this.#moment = moment;
    this.#names = names;
    this.#row = row;
    this.value = value;
  }

  get startTime(): HrTime {
    return this.#moment.start;
  }

  get endTime(): HrTime {
    return this.#moment.end;
  }

  get attributes(): Attributes {
    return { ...this.#moment.labels, ...Object.fromEntries(this.#names.map((name, i) => [name, this.#row[i] ?? ''])) };
  }
}

/** A family's frame with the rows it names. */
export interface Part {
  readonly frame: FamilyFrame;
  readonly rows: Family['rows'];
}

/** One metric per name; parts of one family come together, series without a value are left out. */
export function toMetrics(parts: readonly Part[], moment: Moment): MetricData[] {
  return [...Map.groupBy(parts, ({ frame }) => frame.name).values()]
    .map((group) => toMetric(group, moment))
    .filter((metric) => metric.dataPoints.length > 0);
}

function toMetric(group: readonly Part[], moment: Moment): MetricData {
  const { name, help, type } = group[0]!.frame;
  const isExact = group.every(
    ({ frame: { values } }) => values instanceof BigUint64Array && values.every((value) => value <= INT64_MAX),
  );
  const base = {
    descriptor: {
      name,
      description: help,
      unit: UCUM[unitOf(name) ?? ''] ?? '',
      valueType: isExact ? ValueType.INT : ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (type === 'histogram') {
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: group.flatMap((part) => histograms(part, moment)) };
  }
  const dataPoints = group.flatMap((part) => numbers(part, moment, isExact));
  if (type === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

function numbers({ frame, rows }: Part, moment: Moment, isExact: boolean): DataPoint<number>[] {
  const { values, labelNames } = frame;
  const points: DataPoint<number>[] = [];
  for (const [i, row] of rows.entries()) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    // A 64-bit integer is text in OTLP's JSON: that is exact, which the SDK's own type for it, a double, would not be.
    points.push(new Point(moment, labelNames, row, isExact ? (String(value) as unknown as number) : Number(value)));
  }
  return points;
}

function histograms({ frame, rows }: Part, moment: Moment): DataPoint<Histogram>[] {
  const { values, labelNames, bounds = [] } = frame;
  const width = bounds.length + 2;
  const points: DataPoint<Histogram>[] = [];
  for (const [i, row] of rows.entries()) {
    const counts = Array.from(values.slice(i * width, (i + 1) * width - 1), Number);
    const sum = Number(values[(i + 1) * width - 1]);
    const count = counts.reduce((a, b) => a + b, 0);
    if (Number.isNaN(count + sum)) continue;
    points.push(new Point(moment, labelNames, row, { buckets: { boundaries: [...bounds], counts }, sum, count }));
  }
  return points;
}
