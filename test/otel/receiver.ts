/** An OpenTelemetry collector as far as tests need one: an HTTP server that decodes OTLP's JSON and is strict about it. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';

/** 64-bit integers are text in OTLP's JSON; small ones may be numbers. */
const int64 = z.union([z.int(), z.string().regex(/^-?\d{1,20}$/)]).transform(BigInt);
const nanos = z
  .string()
  .regex(/^\d{19}$/)
  .transform(BigInt);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: int64 }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value }))
  .transform((list) => Object.fromEntries(list.map(({ key, value: v }) => [key, String(Object.values(v)[0])])));
const point = { attributes, startTimeUnixNano: nanos, timeUnixNano: nanos };
const numberPoint = z
  .strictObject({ ...point, asInt: int64.optional(), asDouble: z.number().optional() })
  .refine((p) => (p.asInt === undefined) !== (p.asDouble === undefined));
const histogramPoint = z.strictObject({
  ...point,
  count: int64,
  sum: z.number(),
  bucketCounts: z.array(int64),
  explicitBounds: z.array(z.number()),
});
const metric = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  unit: z.string(),
  gauge: z.strictObject({ dataPoints: z.array(numberPoint).min(1) }).optional(),
  sum: z
    .strictObject({ aggregationTemporality: z.literal(2), isMonotonic: z.literal(true), dataPoints: z.array(numberPoint).min(1) })
    .optional(),
  histogram: z.strictObject({ aggregationTemporality: z.literal(2), dataPoints: z.array(histogramPoint).min(1) }).optional(),
});
const span = z.strictObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string().min(1),
  kind: z.literal(1),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  status: z.strictObject({ code: z.int(), message: z.string().optional() }),
  flags: z.int(),
  events: z.array(z.never()),
  links: z.array(z.never()),
  droppedAttributesCount: z.literal(0),
  droppedEventsCount: z.literal(0),
  droppedLinksCount: z.literal(0),
});
const resource = z.strictObject({ attributes, droppedAttributesCount: z.literal(0) });
const scope = z.strictObject({ name: z.literal('fourlane'), version: z.string() });
const metricsRequest = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({ resource, scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })) }),
  ),
});
const tracesRequest = z.strictObject({
  resourceSpans: z.array(z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) })),
});

export type Metric = z.output<typeof metric>;
export type ReceivedSpan = z.output<typeof span>;

export class Receiver {
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
  readonly spans: ReceivedSpan[] = [];
  readonly resources: Record<string, string>[] = [];
  /** By moment (ns): the metrics of all requests with points of it. */
  readonly moments = new Map<bigint, Metric[]>();
  /** What a sender did wrong. */
  readonly errors: unknown[] = [];
  readonly #server = createServer((req, res) => {
    this.#take(req).then(
      () => res.setHeader('Content-Type', 'application/json').end('{}'),
      (error: unknown) => {
        this.errors.push(error);
        res.writeHead(400).end();
      },
    );
  });

  /** Listens on a free port of the loopback. */
  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #take(req: IncomingMessage): Promise<void> {
    const body: unknown = JSON.parse(await text(req.headers['content-encoding'] === 'gzip' ? req.pipe(createGunzip()) : req));
    this.requests.push({ url: req.url ?? '', headers: req.headers });
    if (req.url?.endsWith('/v1/traces') === true) {
      for (const r of tracesRequest.parse(body).resourceSpans) {
        this.resources.push(r.resource.attributes);
        this.spans.push(...r.scopeSpans.flatMap((s) => s.spans));
      }
      return;
    }
    for (const r of metricsRequest.parse(body).resourceMetrics) {
      this.resources.push(r.resource.attributes);
      for (const m of r.scopeMetrics.flatMap((s) => s.metrics)) {
        const moment = (m.gauge ?? m.sum ?? m.histogram)!.dataPoints[0]!.timeUnixNano;
        this.moments.set(moment, [...(this.moments.get(moment) ?? []), m]);
      }
    }
  }
}

/** Metrics as the sample lines of /metrics: name and sorted labels → value as text. */
export function asSamples(metrics: readonly Metric[]): Map<string, string> {
  const samples = new Map<string, string>();
  const add = (name: string, labels: Record<string, string>, v: number | bigint) =>
    void samples.set(seriesKey(name, labels), String(v));
  for (const { name, gauge, sum, histogram } of metrics) {
    for (const p of [...(gauge?.dataPoints ?? []), ...(sum?.dataPoints ?? [])]) add(name, p.attributes, p.asInt ?? p.asDouble!);
    for (const p of histogram?.dataPoints ?? []) {
      let total = 0n;
      for (const [i, count] of p.bucketCounts.entries()) {
        total += count;
        add(`${name}_bucket`, { ...p.attributes, le: String(p.explicitBounds[i] ?? '+Inf') }, total);
      }
      add(`${name}_sum`, p.attributes, p.sum);
      add(`${name}_count`, p.attributes, p.count);
    }
  }
  return samples;
}

/** The samples of a body of /metrics, in the same form. */
export function parseSamples(body: string): Map<string, string> {
  const samples = new Map<string, string>();
  for (const line of body.split('\n').filter((l) => l !== '' && !l.startsWith('#'))) {
    const [, name = '', , labels = '', number = ''] = /^([^{ ]+)(\{(.*)\})? (.*)$/.exec(line) ?? [];
    const pairs = [...labels.matchAll(/([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, v]) => {
      const plain = v!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
      return [key!, key === 'le' && plain !== '+Inf' ? String(Number(plain)) : plain] as const;
    });
    samples.set(seriesKey(name, Object.fromEntries(pairs)), number);
  }
  return samples;
}

function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${name}${JSON.stringify(sorted)}`;
}
