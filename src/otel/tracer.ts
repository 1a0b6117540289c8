/**
 * Spans of the agent. Off, it only calls what it is given: OpenTelemetry's own packages live in a thread of their own
 * (`otel.worker.ts`), which gets the finished spans, so that neither loading them nor a collector that hangs can hold up the
 * judge.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Attributes, FinishedSpan } from './messages.ts';

/** What children and log lines need of a span. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span under way. */
export interface Span {
  /** Undefined when it is not recorded. */
  readonly ids: SpanIds | undefined;
  set(attributes: Attributes): void;
  /** What it stands for has failed, and why. */
  fail(reason: string): void;
}

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** When it began, ms of the clock; default: now. */
  readonly startedAt?: number;
  /** Default: the span that is active. */
  readonly parent?: SpanIds | undefined;
}

interface Active extends SpanIds {
  open: boolean;
}

const NOT_RECORDED: Span = { ids: undefined, set: () => undefined, fail: () => undefined };
/** Spans recorded per second at most: when a whole data centre fails, the judge has better things to do. */
const MOST_PER_SECOND = 500;
const LONGEST_TEXT = 500;

export class Tracer {
  readonly #clock: () => number;
  readonly #wallOffsetMs: () => number;
  readonly #active = new AsyncLocalStorage<Active>();
  #sink: ((span: FinishedSpan) => void) | undefined;
  #windowEnd = 0;
  #inWindow = 0;
  /** Spans not recorded because there were too many. */
  lost = 0;

  /** @param clock monotonic ms; `wallOffsetMs` turns them into Unix ms */
  constructor(clock: () => number, wallOffsetMs: () => number) {
    this.#clock = clock;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** Where finished spans go from now on; undefined turns recording off. */
  sendTo(sink: ((span: FinishedSpan) => void) | undefined): void {
    this.#sink = sink;
  }

  /**
   * Runs `work` inside a span that ends when `work` returns or, if that is a promise, when it settles. Rethrows what `work`
   * throws.
   */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => T): T {
    if (this.#sink === undefined || !this.#admit()) return work(NOT_RECORDED);
    const { startedAt = this.#clock(), parent = this.#current() } = options;
    const active: Active = {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      open: true,
    };
    let attributes: Attributes = { ...options.attributes };
    let error: string | undefined;
    const end = () => {
      active.open = false;
      const offset = this.#wallOffsetMs();
      this.#sink?.({
        traceId: active.traceId,
        spanId: active.spanId,
        ...(parent === undefined ? {} : { parentId: parent.spanId }),
        name,
        startMs: startedAt + offset,
        endMs: this.#clock() + offset,
        attributes,
        ...(error === undefined ? {} : { error }),
      });
    };
    const span: Span = {
      ids: active,
      set: (more) => void (attributes = { ...attributes, ...more }),
      fail: (reason) => void (error = reason.slice(0, LONGEST_TEXT)),
    };
    const failed = (thrown: unknown): never => {
      span.fail(thrown instanceof Error ? thrown.message : String(thrown));
      end();
      throw thrown;
    };
    let result: T;
    try {
      result = this.#active.run(active, work, span);
    } catch (thrown) {
      return failed(thrown);
    }
    if (!(result instanceof Promise)) {
      end();
      return result;
    }
    return result.then((value: unknown) => {
      end();
      return value;
    }, failed) as T;
  }

  /** Fields that a log line written now carries: the ids of the active span, if any. Always a fresh object. */
  fields(): Record<string, string> {
    const span = this.#current();
    return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId, trace_flags: '01' };
  }

  /** Timers set inside a span live on in its context: a span that is over is not active any more. */
  #current(): Active | undefined {
    const active = this.#active.getStore();
    return active?.open === true ? active : undefined;
  }

  #admit(): boolean {
    const now = this.#clock();
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + 1000;
      this.#inWindow = 0;
    }
    if (this.#inWindow++ < MOST_PER_SECOND) return true;
    this.lost++;
    return false;
  }
}
