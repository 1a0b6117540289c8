/** OpenTelemetry's SDK in the exporting thread. With what it imports it is all that loads OpenTelemetry. */
import { parentPort, workerData } from 'node:worker_threads';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import { metricExporter, traceExporter, type Watch } from './exporters.ts';
import { Families } from './families.ts';
import { emptyTally, type ExporterInit, type FromExporter, type ToExporter } from './messages.ts';
import { Spans } from './spans.ts';

/** Data points per request: about two megabytes of JSON before compression. */
const POINTS = 4000;

const init = workerData as ExporterInit;
const { settings, version, labels } = init;
const port = parentPort!;
const tell = (message: FromExporter) => port.postMessage(message);
const tally = emptyTally();
const spans = new Spans(tally);
const watch: Watch = {
  tally,
  problem: (signal, message) => tell({ type: 'problem', signal, message }),
  changed: () => tell({ type: 'tally', tally, spans: spans.settled }),
};
const resource = resourceFromAttributes({
  'service.name': 'fourlane',
  'service.version': version,
  'service.namespace': labels.cluster,
  'service.instance.id': labels.server,
  'host.name': labels.server,
});
const families = new Families(init, resource, tally, () => tell({ type: 'collect' }));
const sdk = new NodeSDK({
  resource,
  autoDetectResources: false,
  textMapPropagator: null,
  logRecordProcessors: [],
  sampler: new AlwaysOnSampler(),
  spanLimits: { attributeValueLengthLimit: 1000 },
  idGenerator: spans,
  spanProcessors: settings.traces ? [spans.processor(traceExporter(settings, watch), settings.timeout)] : [],
  metricReaders: settings.metrics
    ? [
        new PeriodicExportingMetricReader({
          exporter: families.givingUp(metricExporter(settings, watch)),
          exportIntervalMillis: settings.interval,
          exportTimeoutMillis: settings.interval,
          maxExportBatchSize: POINTS,
          metricProducers: [families],
        }),
      ]
    : [],
});
sdk.start();
// Exporters tell of their failures themselves. What else the SDK warns of is what a collector says of the parts it refuses.
const silent = () => undefined;
const warn = (...words: unknown[]) => refusedPart(words.map(String).join(' '));
diag.setLogger({ error: silent, info: silent, debug: silent, verbose: silent, warn }, DiagLogLevel.WARN);

function refusedPart(warning: string): void {
  const [, kind, count] = /"rejected(DataPoints|Spans)":"?(\d{1,15})/.exec(warning.slice(0, 1000)) ?? [];
  if (kind === undefined) return;
  const signal = kind === 'Spans' ? 'traces' : 'metrics';
  tally[signal].lost += Number(count);
  watch.problem(signal, `the collector refused a part: ${warning.slice(0, 200)}`);
  watch.changed();
}

port.on('message', (message: ToExporter) => {
  if (message.type === 'frame') families.take(message);
  else if (message.type === 'stop') void sdk.shutdown().finally(() => port.close());
  else {
    spans.take(message.spans, version);
    watch.changed();
  }
});
