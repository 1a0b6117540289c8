/** Spans of the main thread, made again as spans of the SDK with the ids they have. */
import { ROOT_CONTEXT, SpanStatusCode, type TracerProvider, trace } from '@opentelemetry/api';
import { BatchSpanProcessor, type IdGenerator, type SpanExporter } from '@opentelemetry/sdk-trace';
import { toHrTime } from './families.ts';
import type { FinishedSpan, Tally } from './messages.ts';

/** Spans waiting at most, and per request. */
const QUEUE = 2048;
const BATCH = 512;
const DELAY_MS = 2000;

export class Spans implements IdGenerator {
  readonly #tally: Tally;
  #queued = 0;
  /** How many have been exported or have failed. */
  settled = 0;
  /** The span being made. */
  #next: Pick<FinishedSpan, 'traceId' | 'spanId'> = { traceId: '', spanId: '' };

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  generateTraceId(): string {
    return this.#next.traceId;
  }

  generateSpanId(): string {
    return this.#next.spanId;
  }

  /** The processor that sends them in batches. Its queue never overflows: `take` counts what does not fit. */
  processor(exporter: SpanExporter, timeoutMs: number): BatchSpanProcessor {
    const send = exporter.export.bind(exporter);
    exporter.export = (spans, done) => {
      this.#queued -= spans.length;
      send(spans, (result) => {
        this.settled += spans.length;
        done(result);
      });
    };
    return new BatchSpanProcessor({
      exporter,
      maxQueueSize: QUEUE,
      maxExportBatchSize: BATCH,
      scheduledDelayMillis: DELAY_MS,
      // The exporter has its own deadline, for each connection and for all attempts: this one is only against its bugs.
      exportTimeoutMillis: 3 * timeoutMs,
    });
  }

  take(spans: readonly FinishedSpan[], version: string, provider: TracerProvider = trace): void {
    const tracer = provider.getTracer('fourlane', version);
    for (const s of spans) {
      if (this.#queued >= QUEUE) {
        this.settled++;
        this.#tally.traces.lost++;
        continue;
      }
      this.#queued++;
      this.#next = s;
      const parent =
        s.parentId === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, { traceId: s.traceId, spanId: s.parentId, traceFlags: 1 });
      const span = tracer.startSpan(s.name, { startTime: toHrTime(s.startMs), attributes: { ...s.attributes } }, parent);
      if (s.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: s.error });
      span.end(toHrTime(s.endMs));
    }
  }
}
