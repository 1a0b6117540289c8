/** Telemetry of families that stand still, with what it logs. */
import type { Family } from '../../src/model/family.ts';
import type { OpenTelemetrySettings } from '../../src/model/plan.ts';
import { Telemetry } from '../../src/otel/telemetry.ts';
import { monotonicMs, wallOffsetMs } from '../../src/sys/clock.ts';

export const FAMILIES: readonly Family[] = [
  { name: 'fourlane_up', help: 'Up.', type: 'gauge', labelNames: ['nic'], rows: [['eth2'], ['a"b\\c\nd']], values: [1, 0.25] },
  {
    name: 'fourlane_received_bytes_total',
    help: 'Bytes.',
    type: 'counter',
    labelNames: ['nic'],
    rows: [['eth2'], ['eth3']],
    values: BigUint64Array.of(2n ** 53n + 1n, 7n),
  },
  {
    name: 'fourlane_rtt_seconds',
    help: 'Round trips.',
    type: 'histogram',
    labelNames: [],
    rows: [[]],
    bounds: [0.001, 0.5],
    values: [5, 0, 2, 1.75],
  },
  // Over the size of one request.
  {
    name: 'fourlane_many',
    help: 'Many.',
    type: 'gauge',
    labelNames: ['core'],
    rows: Array.from({ length: 9000 }, (_, i) => [String(i)]),
    values: Float64Array.from({ length: 9000 }, (_, i) => i),
  },
];
export const LABELS = { cluster: 'edge-1', server: 'lb-01' };

export function settings(endpoint: string, over: Partial<OpenTelemetrySettings> = {}): OpenTelemetrySettings {
  return { endpoint, headers: {}, interval: 200, timeout: 150, compression: 'gzip', metrics: true, traces: true, ...over };
}

export function stage(families: () => readonly Family[] = () => FAMILIES) {
  const lines: string[] = [];
  const telemetry = new Telemetry({
    clock: monotonicMs,
    wallOffsetMs,
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    version: '1.2.3',
    labels: LABELS,
    metrics: { families },
  });
  /** A counter of its own, by the values of its labels. */
  const count = (name: string, ...labels: string[]): number => {
    const family = telemetry.families().find((f) => f.name === name);
    const row = family?.rows.findIndex((r) => r.join() === labels.join()) ?? -1;
    return Number(family?.values[row] ?? Number.NaN);
  };
  return { telemetry, lines, count };
}
