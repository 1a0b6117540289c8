/** OTLP exporters with their ends counted, over connections that never outlive their deadline. */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { OpenTelemetrySettings } from '../model/plan.ts';
import type { Signal, Tally } from './messages.ts';

/** Requests under way per signal; more can only pile up at a collector that is too slow. */
const CONCURRENCY = 2;

export interface Watch {
  readonly tally: Tally;
  /** A request has failed, and why. */
  readonly problem: (signal: Signal, message: string) => void;
  /** The tally has changed. */
  readonly changed: () => void;
}

interface Exporter<T> {
  export(items: T, done: (result: ExportResult) => void): void;
}

/** Exporter of spans. */
export function traceExporter(settings: OpenTelemetrySettings, watch: Watch): OTLPTraceExporter {
  const exporter = new OTLPTraceExporter(options(settings, 'v1/traces'));
  return watched<readonly unknown[], OTLPTraceExporter>(exporter, 'traces', (spans) => spans.length, watch);
}

/** Exporter of metrics. */
export function metricExporter(settings: OpenTelemetrySettings, watch: Watch): OTLPMetricExporter {
  return watched(new OTLPMetricExporter(options(settings, 'v1/metrics')), 'metrics', countPoints, watch);
}

/** Data points in a request. */
export function countPoints({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics.flatMap((scopeMetric) => scopeMetric.metrics).reduce((sum, metric) => sum + metric.dataPoints.length, 0);
}

function options(settings: OpenTelemetrySettings, path: string) {
  const url = new URL(settings.endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return {
    url: url.href,
    headers: { ...settings.headers },
    timeoutMillis: settings.timeout,
    concurrencyLimit: CONCURRENCY,
    // The type is an enumeration of a package that is not ours to import; its values are these.
    compression: settings.compression as never,
    httpAgentOptions: (protocol: string) => brief(protocol, settings.timeout),
  };
}

/**
 * An agent of one request per connection. The exporter's timeout is one of silence: a collector that drips would never meet it.
 */
function brief(protocol: string, lifeMs: number): http.Agent {
  const agent = new (protocol === 'https:' ? https.Agent : http.Agent)({ keepAlive: false, maxSockets: CONCURRENCY });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = connect(...args) as Socket;
    const end = setTimeout(() => socket.destroy(new Error(`no complete answer within ${lifeMs} ms`)), lifeMs);
    socket.once('close', () => clearTimeout(end));
    return socket;
  };
  return agent;
}

function watched<T, E extends Exporter<T>>(exporter: E, signal: Signal, count: (items: T) => number, watch: Watch): E {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => {
    const own = watch.tally[signal];
    const ended = (result: ExportResult) => {
      if (result.code === ExportResultCode.SUCCESS) own.sent++;
      else {
        own.failed++;
        own.lost += count(items);
        watch.problem(signal, messageOf(result.error));
      }
      done(result);
      watch.changed();
    };
    try {
      send(items, ended);
    } catch (error) {
      ended({ code: ExportResultCode.FAILED, error: error as Error });
    }
  };
  return exporter;
}

/** What the log may say of a failure: a hostile collector chooses some of the text. */
function messageOf(error: (Error & { code?: number | string }) | undefined): string {
  const text = error?.message || 'the collector does not take it';
  const status = typeof error?.code === 'number' ? `answered ${error.code} ` : '';
  return `${status}${text}`.slice(0, 200);
}
