/** What the agent's main thread and the thread that exports to a collector say to each other. */
import type { FamilyFrame } from '../metrics/frames.ts';
import type { OpenTelemetrySettings } from '../model/plan.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span that is over. Times are Unix ms with fractions; ids are lower-case hex. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Why what it stands for has failed; left out when it has not. */
  readonly error?: string;
}

export interface ExporterInit {
  readonly settings: OpenTelemetrySettings;
  readonly version: string;
  /** Labels that every series of /metrics carries. */
  readonly labels: Readonly<Record<'cluster' | 'server', string>>;
  /** Since when counters count, Unix ms. */
  readonly startedAtMs: number;
}

export type ToExporter =
  | { readonly type: 'spans'; readonly spans: readonly FinishedSpan[] }
  /** A part of the answer to `collect`; the last one is marked. `timeMs`: the moment the values are of, Unix ms. */
  | { readonly type: 'frame'; readonly timeMs: number; readonly families: readonly FamilyFrame[]; readonly last: boolean }
  | { readonly type: 'stop' };

export const SIGNALS = ['metrics', 'traces'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Of one thread since its start. Requests by how they ended; data points or spans that never reached the collector. */
export type Tally = Record<Signal, { sent: number; failed: number; lost: number }>;

export function emptyTally(): Tally {
  return { metrics: { sent: 0, failed: 0, lost: 0 }, traces: { sent: 0, failed: 0, lost: 0 } };
}

export function addTallies(tally: Tally, each: Tally): Tally {
  const sum = emptyTally();
  for (const signal of SIGNALS) {
    for (const what of ['sent', 'failed', 'lost'] as const) sum[signal][what] = tally[signal][what] + each[signal][what];
  }
  return sum;
}

export type FromExporter =
  | { readonly type: 'collect' }
  /** `spans`: how many have been exported or have failed. */
  | { readonly type: 'tally'; readonly tally: Tally; readonly spans: number }
  | { readonly type: 'problem'; readonly signal: Signal; readonly message: string };
