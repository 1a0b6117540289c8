/**
 * OpenTelemetry in the daemon: follows the configuration, counts and tells what becomes of exports. While it is off nothing of it
 * is loaded.
 */
import type { Family, FamilySource } from '../model/family.ts';
import type { OpenTelemetrySettings } from '../model/plan.ts';
import { ExportThread } from './export-thread.ts';
import { addTallies, emptyTally, type ExporterInit, SIGNALS, type Signal, type Tally } from './messages.ts';
import { Tracer } from './tracer.ts';

export interface TelemetryOptions {
  readonly clock: () => number;
  /** Added to a monotonic ms it gives a Unix ms. */
  readonly wallOffsetMs: () => number;
  readonly log: (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly version: string;
  readonly labels: ExporterInit['labels'];
  /** What is pushed. */
  readonly metrics: FamilySource;
}

/** A failing collector is logged at most this often: ms. */
const TELL_MS = 60_000;
const RESULTS = ['sent', 'failed'] as const;
const REQUEST_ROWS = SIGNALS.flatMap((signal) => RESULTS.map((result) => [signal, result]));
const LOST_ROWS = SIGNALS.map((signal) => [signal]);

export class Telemetry implements FamilySource {
  readonly #o: TelemetryOptions;
  readonly #startedAtMs: number;
  readonly tracer: Tracer;
  #settings = '';
  #exporter: ExportThread | undefined;
  /** Exporters that were replaced and have not ended yet. */
  readonly #retired = new Map<ExportThread, Promise<void>>();
  /** Of exporters that have ended. */
  #past = emptyTally();
  #used = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #untold = 0;
  /** Requests sent when the failure that lasts was logged. */
  readonly #toldFailing = new Map<Signal, number>();

  constructor(options: TelemetryOptions) {
    this.#o = options;
    this.#startedAtMs = options.clock() + options.wallOffsetMs();
    this.tracer = new Tracer(options.clock, options.wallOffsetMs);
  }

  /**
   * Turns exports on, off, or to another collector; the same settings change nothing. Does not wait for what was there before.
   */
  follow(settings: OpenTelemetrySettings | undefined): void {
    const text = settings === undefined ? '' : JSON.stringify(settings);
    if (text === this.#settings) return;
    this.#settings = text;
    this.#retire();
    if (settings === undefined) return;
    this.#used = true;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    const { version, labels, metrics, clock, wallOffsetMs } = this.#o;
    const { interval, traces } = settings;
    // Without its query, which may hold a key.
    const { origin, pathname } = new URL(settings.endpoint);
    const endpoint = `${origin}${pathname}`;
    const exporter = new ExportThread({
      init: { settings, version, labels, startedAtMs: this.#startedAtMs },
      metrics,
      nowMs: () => clock() + wallOffsetMs(),
      problem: (what, message) => this.#problem(endpoint, what, message),
      progress: (tally) => this.#progress(endpoint, tally),
    });
    this.#exporter = exporter;
    this.tracer.sendTo(traces ? (span) => exporter.span(span) : undefined);
    this.#o.log('info', 'OpenTelemetry: exporting', { endpoint, interval, metrics: settings.metrics, traces });
  }

  /** Sends what is there, for at most two seconds. */
  async stop(): Promise<void> {
    this.#retire();
    await Promise.all(this.#retired.values());
  }

  /** What became of exports; nothing as long as there never were any. */
  families(): readonly Family[] {
    if (!this.#used) return [];
    const exporters = [...this.#retired.keys(), ...(this.#exporter === undefined ? [] : [this.#exporter])];
    const tally = exporters.reduce((sum, exporter) => addTallies(sum, exporter.tally()), this.#past);
    return exportFamilies(tally, this.tracer.lost);
  }

  #retire(): void {
    const exporter = this.#exporter;
    if (exporter === undefined) return;
    this.tracer.sendTo(undefined);
    this.#toldFailing.clear();
    this.#exporter = undefined;
    const ended = exporter.stop().then(() => {
      this.#past = addTallies(this.#past, exporter.tally());
      this.#retired.delete(exporter);
    });
    this.#retired.set(exporter, ended);
  }

  #problem(endpoint: string, what: Signal | 'thread', reason: string): void {
    const now = this.#o.clock();
    if (now - this.#toldAt < TELL_MS) {
      this.#untold++;
      return;
    }
    this.#o.log('warn', `OpenTelemetry: ${what} not exported: ${reason}`, { endpoint, more: this.#untold });
    this.#toldAt = now;
    this.#untold = 0;
    if (what !== 'thread') this.#toldFailing.set(what, this.#exporter?.tally()[what].sent ?? 0);
  }

  #progress(endpoint: string, tally: Tally): void {
    for (const [signal, sent] of this.#toldFailing) {
      if (tally[signal].sent <= sent) continue;
      this.#toldFailing.delete(signal);
      this.#o.log('info', `OpenTelemetry: ${signal} are taken again`, { endpoint, lost: tally[signal].lost });
    }
  }
}

/** `tally` as families. `unrecorded`: spans lost before they got to an exporter. */
export function exportFamilies(tally: Tally, unrecorded: number): readonly Family[] {
  return [
    {
      name: 'fourlane_otlp_requests_total',
      help: 'Requests to the OpenTelemetry collector by how they ended.',
      type: 'counter',
      labelNames: ['signal', 'result'],
      rows: REQUEST_ROWS,
      values: SIGNALS.flatMap((signal) => RESULTS.map((result) => tally[signal][result])),
    },
    {
      name: 'fourlane_otlp_lost_total',
      help: 'Data points and spans that never reached the OpenTelemetry collector.',
      type: 'counter',
      labelNames: ['signal'],
      rows: LOST_ROWS,
      values: [tally.metrics.lost, tally.traces.lost + unrecorded],
    },
  ];
}
