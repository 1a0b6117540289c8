/** The families of the agent as a producer of metrics: asks the main thread for those of a moment, and hands them to the SDK. */
import type { HrTime } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { CollectionResult, MetricProducer, PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { FrameReader } from '../metrics/frames.ts';
import { countPoints } from './exporters.ts';
import type { ExporterInit, Tally, ToExporter } from './messages.ts';
import { type Part, toMetrics } from './points.ts';

/** Unix ms → the SDK's pair of seconds and nanoseconds. */
export function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}

export class Families implements MetricProducer {
  readonly #init: ExporterInit;
  readonly #resource: Resource;
  readonly #tally: Tally;
  readonly #ask: () => void;
  readonly #memory = new FrameReader();
  #parts: Part[] = [];
  #resolve: ((result: CollectionResult) => void) | undefined;
  /** A request with a part of the present moment has failed. */
  #failed = false;
  /**
   * Points of the present moment that no request has been made for: when a request takes too long, the SDK leaves out the rest.
   */
  #waiting = 0;

  /** @param ask asks the main thread for a frame, which comes by `take` */
  constructor(init: ExporterInit, resource: Resource, tally: Tally, ask: () => void) {
    this.#init = init;
    this.#resource = resource;
    this.#tally = tally;
    this.#ask = ask;
  }

  collect(): Promise<CollectionResult> {
    this.#failed = false;
    this.#tally.metrics.lost += this.#waiting;
    this.#waiting = 0;
    this.#ask();
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  take({ timeMs, families, last }: Extract<ToExporter, { type: 'frame' }>): void {
    for (const frame of families) this.#parts.push({ frame, rows: this.#memory.of(frame) });
    if (!last) return;
    this.#memory.endOfFrame();
    const { startedAtMs, labels, version } = this.#init;
    const metrics = toMetrics(this.#parts, { start: toHrTime(startedAtMs), end: toHrTime(timeMs), labels });
    this.#parts = [];
    this.#waiting = metrics.reduce((sum, metric) => sum + metric.dataPoints.length, 0);
    const scopeMetrics = [{ scope: { name: 'fourlane', version }, metrics }];
    this.#resolve?.({ resourceMetrics: { resource: this.#resource, scopeMetrics }, errors: [] });
  }

  /** Once a request has failed, the rest of its moment is lost too: to wait for each of a hundred deadlines would help nobody. */
  givingUp<E extends PushMetricExporter>(exporter: E): E {
    const send = exporter.export.bind(exporter);
    exporter.export = (metrics: ResourceMetrics, done: (result: ExportResult) => void) => {
      const points = countPoints(metrics);
      this.#waiting -= points;
      if (this.#failed) {
        this.#tally.metrics.lost += points;
        done({ code: ExportResultCode.FAILED });
        return;
      }
      send(metrics, (result) => {
        this.#failed ||= result.code !== ExportResultCode.SUCCESS;
        done(result);
      });
    };
    return exporter;
  }
}
