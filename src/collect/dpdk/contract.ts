/**
 * Schema 1 of an application's own telemetry (docs/dpdk.md): per-core latency and loop counters. Times in ns, counters since
 * `epoch`.
 */
import * as z from 'zod';
import type { Exact } from '../../model/exact.ts';
import { small, u64 } from '../telemetry/answer.ts';

/** Of `<prefix>/info`. */
export interface ContractInfo {
  readonly app: string;
  /** Start of the application, µs of Unix time: another value means that every counter started again. */
  readonly start: Exact;
  /** Upper bounds of the latency buckets, ns, rising; one bucket more than bounds. */
  readonly boundsNs: readonly number[];
}

export const contractInfo = z
  .object({
    schema: z.literal(1, { error: 'only schema 1 is known to this version of fourlane' }),
    app: z.string().max(127),
    start_unix_us: u64,
    hist_le_ns: z
      .array(z.int().positive())
      .min(1)
      .max(128)
      .refine((bounds) => bounds.every((b, i) => i === 0 || b > bounds[i - 1]!), 'bounds must rise'),
  })
  .transform((i): ContractInfo => ({ app: i.app, start: i.start_unix_us, boundsNs: i.hist_le_ns }));

/** Packet latency of one core. */
export interface CoreLatency {
  readonly core: string;
  /** Start of the application or of the statistics. */
  readonly epoch: Exact;
  /** Packets per bucket, not cumulated, the last one above all bounds. */
  readonly counts: readonly Exact[];
  readonly sumNs: Exact;
  /** Extremes since `epoch`, smoothed latency and jitter; undefined before the first packet. */
  readonly since?: { readonly minNs: Exact; readonly maxNs: Exact; readonly smoothedNs: Exact; readonly jitterNs: Exact };
  /** Extremes of the last complete window; undefined when no packet came in it. */
  readonly window?: { readonly minNs: Exact; readonly maxNs: Exact };
  /** The application could not read its numbers in one piece. */
  readonly torn: boolean;
}

/** Of `<prefix>/lcore/latency,<core>`. */
export const coreLatency = z
  .object({
    lcore_id: small,
    epoch: u64,
    samples: u64,
    sum_ns: u64,
    min_latency_ns: u64,
    avg_latency_ns: u64,
    max_latency_ns: u64,
    jitter_ns: u64,
    win_samples: u64,
    win_min_ns: u64,
    win_max_ns: u64,
    torn: z.literal([0, 1]),
    hist: z.array(u64).max(129),
  })
  .transform(
    (l): CoreLatency => ({
      core: String(l.lcore_id),
      epoch: l.epoch,
      counts: l.hist,
      sumNs: l.sum_ns,
      torn: l.torn === 1,
      ...(l.samples > 0 && {
        since: { minNs: l.min_latency_ns, maxNs: l.max_latency_ns, smoothedNs: l.avg_latency_ns, jitterNs: l.jitter_ns },
      }),
      ...(l.win_samples > 0 && { window: { minNs: l.win_min_ns, maxNs: l.win_max_ns } }),
    }),
  );

/** Loop and packet counters of one core; what an application does not count is undefined. */
export interface CoreUsage {
  readonly core: string;
  readonly totalCycles: Exact;
  readonly busyCycles: Exact;
  readonly loops?: Exact | undefined;
  readonly emptyPolls?: Exact | undefined;
  /** Longest pass of the loop since the start. */
  readonly maxLoopNs?: Exact | undefined;
  readonly rxPackets?: Exact | undefined;
  readonly txPackets?: Exact | undefined;
  readonly txDropped?: Exact | undefined;
}

const column = z.array(u64).max(512);

/** Of `<prefix>/lcore/usage`, and of `/eal/lcore/usage`, which has the first three columns. */
export const coreUsage = z
  .object({
    lcore_ids: z.array(small).max(512),
    total_cycles: column,
    busy_cycles: column,
    loops: column.optional(),
    empty_polls: column.optional(),
    max_loop_ns: column.optional(),
    rx_packets: column.optional(),
    tx_packets: column.optional(),
    tx_dropped: column.optional(),
  })
  .refine(
    ({ lcore_ids: ids, ...columns }) => Object.values(columns).every((c) => c === undefined || c.length === ids.length),
    'every column must be as long as lcore_ids',
  )
  .transform((u): readonly CoreUsage[] =>
    u.lcore_ids.map((id, i) => ({
      core: String(id),
      totalCycles: u.total_cycles[i]!,
      busyCycles: u.busy_cycles[i]!,
      loops: u.loops?.[i],
      emptyPolls: u.empty_polls?.[i],
      maxLoopNs: u.max_loop_ns?.[i],
      rxPackets: u.rx_packets?.[i],
      txPackets: u.tx_packets?.[i],
      txDropped: u.tx_dropped?.[i],
    })),
  );
