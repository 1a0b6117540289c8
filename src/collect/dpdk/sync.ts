/**
 * Session synchronisation of an application that keeps the contract of docs/dpdk.md, `/tdlb/sync/…`, schema 1: what it holds,
 * what each core sent, received and dropped, how each peer fares, and the last full synchronisation. Times in µs, counters since
 * `epoch`.
 */
import * as z from 'zod';
import type { Exact } from '../../model/exact.ts';
import { small, u64 } from '../telemetry/answer.ts';

const text = z.string().max(127);

/** Of `<prefix>/sync/info`. */
export const syncInfo = z.object({
  schema: z.literal(1, { error: 'only schema 1 is known to this version of fourlane' }),
  epoch: u64,
  enabled: z.literal([0, 1]),
  sync_id: small,
  peer_ids: z.array(small).max(64),
  config_revision: text,
  sessions_own: u64,
  sessions_synced: u64,
});

/** Stages at which sessions are lost, by the column that counts them. */
export const DROP_COLUMNS = {
  tx_dropped_ring: 'tx_ring',
  tx_dropped_memory: 'tx_memory',
  tx_dropped_socket: 'tx_socket',
  rx_dropped_ring: 'rx_ring',
  rx_dropped_no_dest: 'no_dest',
  rx_dropped_memory: 'rx_memory',
  rx_dropped_conflict: 'conflict',
  rx_dropped_stale: 'stale',
} as const;

/** Entries sent and received, by the column that counts them: direction and kind. */
export const ENTRY_COLUMNS = {
  tx_new: ['out', 'new'],
  tx_update: ['out', 'update'],
  tx_close: ['out', 'close'],
  tx_full: ['out', 'full'],
  rx_new: ['in', 'new'],
  rx_update: ['in', 'update'],
  rx_close: ['in', 'close'],
  rx_full: ['in', 'full'],
} as const;

export const GAUGE_COLUMNS = [
  'own',
  'synced',
  'taken_over',
  'tx_ring_used',
  'tx_ring_capacity',
  'rx_ring_used',
  'rx_ring_capacity',
  'tx_oldest_us',
] as const;

type Column = keyof typeof DROP_COLUMNS | keyof typeof ENTRY_COLUMNS | (typeof GAUGE_COLUMNS)[number];
const COLUMNS = [...Object.keys(DROP_COLUMNS), ...Object.keys(ENTRY_COLUMNS), ...GAUGE_COLUMNS] as readonly Column[];

/** One core's numbers, by column. */
export interface SyncCore {
  readonly core: string;
  readonly of: Readonly<Record<Column, Exact>>;
}

const column = z.array(u64).max(512);
const columns = Object.fromEntries(COLUMNS.map((name) => [name, column])) as Record<Column, typeof column>;

/** Of `<prefix>/sync/lcore[,FROM]`. */
export const syncCores = z
  .object({ lcore_ids: z.array(small).max(512), ...columns })
  .refine((c) => COLUMNS.every((name) => c[name].length === c.lcore_ids.length), 'every column must be as long as lcore_ids')
  .transform((c): readonly SyncCore[] =>
    c.lcore_ids.map((id, i) => ({
      core: String(id),
      of: Object.fromEntries(COLUMNS.map((name) => [name, c[name][i]!])) as Record<Column, Exact>,
    })),
  );

export const PEER_STATES = ['init', 'full', 'up', 'down'] as const;

/** Of `<prefix>/sync/peer,ID`. */
export const syncPeer = z.object({
  id: small,
  address: text,
  state: z.enum(PEER_STATES),
  config_revision: text,
  /** Unix time, 0 = never. */
  last_rx_us: u64,
  rx_messages: u64,
  rx_lost: u64,
  rx_bad: u64,
  tx_messages: u64,
  tx_errors: u64,
  /** Held for this peer. */
  sessions: u64,
  lag_us: u64,
});

export const FULL_STATES = ['idle', 'requested', 'receiving', 'sending', 'done', 'failed'] as const;

/** Of `<prefix>/sync/full`. */
export const syncFull = z.object({
  state: z.enum(FULL_STATES),
  peer_id: small,
  sessions_expected: u64,
  sessions_done: u64,
  dropped: u64,
  retries: u64,
  reason: text,
});

export interface SyncReading {
  readonly info: z.output<typeof syncInfo>;
  readonly cores: readonly SyncCore[];
  readonly peers: readonly z.output<typeof syncPeer>[];
  readonly full: z.output<typeof syncFull> | undefined;
}
