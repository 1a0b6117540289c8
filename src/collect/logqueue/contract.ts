/**
 * The log queue in schema 1 of an application's own telemetry (docs/logqueue.md). Counters are cumulative since `epoch`; times in
 * ns.
 */
import * as z from 'zod';
import type { Exact } from '../../model/exact.ts';
import { small, u64 } from '../telemetry/answer.ts';

/** What one forwarding core did to its log queue. */
export interface QueueCore {
  readonly core: string;
  readonly enqueued: Exact;
  /** Lines dropped because the queue was full, and because there was no buffer for them. */
  readonly droppedFull: Exact;
  readonly droppedNoBuffer: Exact;
  /** Whether the application holds the core's logging back; undefined when it does not report that. */
  readonly throttled?: boolean;
}

/** What the core that writes the log did. */
export interface QueueWriter {
  readonly written: Exact;
  readonly batches: Exact;
  readonly bytes: Exact;
  readonly errors: Exact;
  /** Age of the line written last, when it was written; 0 when the queue is empty. */
  readonly lagNs: Exact;
  readonly lagMaxNs: Exact;
  /** µs of Unix time; 0: never. */
  readonly lastWriteUs: Exact;
}

/** Buffers that log lines wait in. `available` needs DPDK ≥ 23.03 where the application does not report it. */
export interface QueuePool {
  readonly size: number;
  readonly available?: number;
}

export interface Queue {
  readonly queue: string;
  readonly depth: number;
  readonly capacity: number;
  /** Start of the counters; '' when there are none. */
  readonly epoch: string;
  /** Greatest depth since `epoch`. */
  readonly highest?: number;
  readonly pool?: QueuePool;
  readonly writer?: QueueWriter;
  readonly cores: readonly QueueCore[];
}

const column = z.array(u64).max(512);

/** Of `<prefix>/log/info,<queue>`. */
export const logInfo = (queue: string) =>
  z
    .object({
      name: z.literal(queue),
      epoch: u64,
      capacity: small,
      used_count: small,
      pool_size: small,
      pool_avail: small,
      high_watermark: small,
      written: u64,
      write_batches: u64,
      write_bytes: u64,
      write_errors: u64,
      writer_lag_ns: u64,
      writer_lag_max_ns: u64,
      last_write_unix_us: u64,
      lcore_ids: z.array(small).max(512),
      enqueued: column,
      dropped_full: column,
      dropped_nobuf: column,
      throttled: z
        .array(z.literal([0, 1]))
        .max(512)
        .optional(),
    })
    .refine(
      (i) =>
        [i.enqueued, i.dropped_full, i.dropped_nobuf, i.throttled ?? i.lcore_ids].every((c) => c.length === i.lcore_ids.length),
      'every column must be as long as lcore_ids',
    )
    .transform(
      (i): Queue => ({
        queue: i.name,
        depth: i.used_count,
        capacity: i.capacity,
        epoch: String(i.epoch),
        highest: i.high_watermark,
        pool: { size: i.pool_size, available: i.pool_avail },
        writer: {
          written: i.written,
          batches: i.write_batches,
          bytes: i.write_bytes,
          errors: i.write_errors,
          lagNs: i.writer_lag_ns,
          lagMaxNs: i.writer_lag_max_ns,
          lastWriteUs: i.last_write_unix_us,
        },
        cores: i.lcore_ids.map((id, c) => ({
          core: String(id),
          enqueued: i.enqueued[c]!,
          droppedFull: i.dropped_full[c]!,
          droppedNoBuffer: i.dropped_nobuf[c]!,
          ...(i.throttled !== undefined && { throttled: i.throttled[c] === 1 }),
        })),
      }),
    );
