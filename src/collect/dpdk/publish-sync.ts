/** Session synchronisation of an application as samples. Pure. */
import type { Samples } from '../collector.ts';
import * as m from '../sync-metrics.ts';
import { DROP_COLUMNS, ENTRY_COLUMNS, FULL_STATES, PEER_STATES, type SyncCore, type SyncReading } from './sync.ts';

const MICRO = 1e6;

type Peer = SyncReading['peers'][number];

function publishCore(source: string, { core, of }: SyncCore, epoch: string, samples: Samples): void {
  const labels = [source, core];
  samples.gauge(m.SYNC_TAKEN_OVER, labels, Number(of.taken_over));
  for (const [column, way] of Object.entries(ENTRY_COLUMNS) as [keyof typeof ENTRY_COLUMNS, readonly string[]][])
    samples.counter(m.SYNC_ENTRIES, [...labels, ...way], of[column], epoch);
  for (const [column, stage] of Object.entries(DROP_COLUMNS) as [keyof typeof DROP_COLUMNS, string][])
    samples.counter(m.SYNC_DROPPED, [...labels, stage], of[column], epoch);
  samples.gauge(m.SYNC_DEPTH, [...labels, 'out'], Number(of.tx_ring_used));
  samples.gauge(m.SYNC_CAPACITY, [...labels, 'out'], Number(of.tx_ring_capacity));
  samples.gauge(m.SYNC_DEPTH, [...labels, 'in'], Number(of.rx_ring_used));
  samples.gauge(m.SYNC_CAPACITY, [...labels, 'in'], Number(of.rx_ring_capacity));
  samples.gauge(m.SYNC_OLDEST, labels, Number(of.tx_oldest_us) / MICRO);
}

function publishPeer(source: string, peer: Peer, revision: string, epoch: string, samples: Samples): void {
  const labels = [source, String(peer.id)];
  for (const state of PEER_STATES) samples.gauge(m.SYNC_PEER_STATE, [...labels, state], Number(state === peer.state));
  samples.gauge(m.SYNC_PEER_SESSIONS, labels, Number(peer.sessions));
  if (peer.last_rx_us > 0) samples.gauge(m.SYNC_LAST_RECEIVED, labels, Number(peer.last_rx_us) / MICRO);
  samples.gauge(m.SYNC_LAG, labels, Number(peer.lag_us) / MICRO);
  samples.counter(m.SYNC_MESSAGES, [...labels, 'in'], peer.rx_messages, epoch);
  samples.counter(m.SYNC_MESSAGES, [...labels, 'out'], peer.tx_messages, epoch);
  samples.counter(m.SYNC_LOST, labels, peer.rx_lost, epoch);
  samples.counter(m.SYNC_BAD, [...labels, 'in'], peer.rx_bad, epoch);
  samples.counter(m.SYNC_BAD, [...labels, 'out'], peer.tx_errors, epoch);
  samples.gauge(m.SYNC_CONFIG, labels, Number(peer.config_revision === revision));
}

/** @param pid of the process: its counters begin again with another one */
export function publishSync(source: string, { info, cores, peers, full }: SyncReading, pid: number, samples: Samples): void {
  const epoch = `${pid} ${info.epoch}`;
  samples.gauge(m.SYNC_ENABLED, [source], info.enabled);
  samples.gauge(m.SYNC_SESSIONS, [source, String(info.sync_id), 'own'], Number(info.sessions_own));
  samples.gauge(m.SYNC_SESSIONS, [source, String(info.sync_id), 'synced'], Number(info.sessions_synced));
  for (const core of cores) publishCore(source, core, epoch, samples);
  for (const peer of peers) publishPeer(source, peer, info.config_revision, epoch, samples);
  if (full === undefined) return;
  for (const state of FULL_STATES) samples.gauge(m.SYNC_FULL_STATE, [source, state], Number(state === full.state));
  if (full.state === 'idle') return;
  const labels = [source, String(full.peer_id)];
  const expected = Number(full.sessions_expected);
  samples.gauge(
    m.SYNC_FULL_PROGRESS,
    labels,
    expected === 0 ? Number(full.state === 'done') : Number(full.sessions_done) / expected,
  );
  samples.gauge(m.SYNC_FULL_DROPPED, labels, Number(full.dropped));
}
