/** Main-side handle of the exporting thread: starts it, feeds it, bounds what waits for it, and starts it again after a crash. */
import type { Worker } from 'node:worker_threads';
import { type FamilyFrame, FrameWriter } from '../metrics/frames.ts';
import { endThread, startThread } from '../sys/worker.ts';
import type { FamilySource } from '../model/family.ts';
import {
  addTallies,
  emptyTally,
  type ExporterInit,
  type FinishedSpan,
  type FromExporter,
  type Signal,
  type Tally,
  type ToExporter,
} from './messages.ts';

export interface ExportThreadOptions {
  readonly init: ExporterInit;
  /** What is pushed. */
  readonly metrics: FamilySource;
  readonly nowMs: () => number;
  readonly problem: (signal: Signal | 'thread', message: string) => void;
  /** Requests or spans have come to their end since the call before. */
  readonly progress: (tally: Tally) => void;
}

/** Spans that may wait for the thread and in it. */
const MOST_SPANS = 4096;
const FLUSH_MS = 100;
/** How long a thread that was told to stop may go on sending what it has: ms. */
const STOP_MS = 2000;
const RESTART_MS = 30_000;
/** Rows copied in one turn of the event loop, the first time they are sent. */
const ROWS_PER_TURN = 5000;
/** The thread's heap: the labels of 100 000 series and one request. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./otel.worker${import.meta.filename.slice(-3)}`, import.meta.url);

export class ExportThread {
  readonly #o: ExportThreadOptions;
  readonly #writer = new FrameWriter();
  #worker: Worker | undefined;
  #waiting: FinishedSpan[] = [];
  #flush: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #sent = 0;
  #settled = 0;
  #stopping = false;
  /** Of threads before the present one. */
  #before = emptyTally();
  #present = emptyTally();
  /** Spans that found no room here. */
  #overflow = 0;

  constructor(options: ExportThreadOptions) {
    this.#o = options;
    this.#start();
  }

  /** Takes a span; over the limit it is lost and counted. */
  span(span: FinishedSpan): void {
    if (this.#waiting.length + this.#sent - this.#settled >= MOST_SPANS) {
      this.#overflow++;
      return;
    }
    this.#waiting.push(span);
    this.#flush ??= setTimeout(() => this.#post(), FLUSH_MS);
  }

  tally(): Tally {
    const sum = addTallies(this.#before, this.#present);
    sum.traces.lost += this.#overflow;
    return sum;
  }

  /** Sends what is there, for at most two seconds, and ends the thread. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#post();
    this.#overflow += this.#waiting.length; // only if there is no thread
    if (this.#worker !== undefined) await endThread(this.#worker, { type: 'stop' } satisfies ToExporter, STOP_MS);
  }

  #start(): void {
    this.#writer.forget();
    // The configuration file is the only source: variables like OTEL_EXPORTER_OTLP_HEADERS must not add to it unseen.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')));
    this.#worker = startThread<FromExporter>(ENTRY, {
      workerData: this.#o.init,
      name: 'opentelemetry',
      env,
      resourceLimits: LIMITS,
      heard: (message) => this.#heard(message),
      ended: (worker, error) => {
        if (error !== undefined) this.#o.problem('thread', `the exporting thread ended: ${error}`);
        if (this.#worker === worker) this.#ended();
      },
    });
    this.#worker.unref();
  }

  #ended(): void {
    this.#worker = undefined;
    this.#before = this.tally();
    this.#before.traces.lost += this.#sent - this.#settled;
    this.#overflow = 0;
    this.#present = emptyTally();
    this.#sent = this.#settled = 0;
    if (!this.#stopping) this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
  }

  #heard(message: FromExporter): void {
    if (message.type === 'collect') {
      // As on /metrics, a family that throws is a bug that costs this moment, and nothing else.
      this.#collect().catch((error: unknown) => {
        this.#o.problem('metrics', `no families: ${String(error)}`);
        this.#worker?.postMessage({ type: 'frame', timeMs: 0, families: [], last: true } satisfies ToExporter);
      });
    } else if (message.type === 'problem') this.#o.problem(message.signal, message.message);
    else {
      this.#present = message.tally;
      this.#settled = message.spans;
      this.#o.progress(this.tally());
    }
  }

  /** Numbers are copied at once, so that they are of one moment; labels that are new travel in pieces. */
  async #collect(): Promise<void> {
    const worker = this.#worker;
    const timeMs = this.#o.nowMs();
    const frames = this.#writer.take(this.#o.metrics.families());
    let families: FamilyFrame[] = [];
    let rows = 0;
    for (const frame of frames) {
      families.push(frame);
      rows += frame.rows?.length ?? 0;
      if (rows < ROWS_PER_TURN) continue;
      worker?.postMessage({ type: 'frame', timeMs, families, last: false } satisfies ToExporter);
      families = [];
      rows = 0;
      await new Promise(setImmediate);
    }
    worker?.postMessage({ type: 'frame', timeMs, families, last: true } satisfies ToExporter);
  }

  #post(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    // Without a thread they wait for the next one, up to the limit.
    if (this.#worker === undefined || this.#waiting.length === 0) return;
    this.#worker.postMessage({ type: 'spans', spans: this.#waiting } satisfies ToExporter);
    this.#sent += this.#waiting.length;
    this.#waiting = [];
  }
}
