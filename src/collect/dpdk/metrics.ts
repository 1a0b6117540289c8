/** Families of the dpdk collector beyond those that every data plane's cores have. */
import * as core from '../core-metrics.ts';
import { counter, gauge, type Metric } from '../../model/family.ts';
import { SESSION_SYNC_METRICS } from '../sync-metrics.ts';

const CORE = ['source', 'core'];
const PORT = ['source', 'port'];

export const UP = gauge('dpdk_up', 'Whether the DPDK process behind this telemetry socket answered the last reading.', [
  'source',
]);
export const INFO = gauge('dpdk_info', 'The DPDK process behind a telemetry socket; always 1.', [
  'source',
  'version',
  'pid',
  'app',
]);
export const PART = gauge('dpdk_part_success', 'Whether this part of what a DPDK process offers could be read completely.', [
  'source',
  'part',
]);

export const LATENCY_MIN = gauge('core_packet_latency_min_seconds', 'Shortest packet latency since the start.', CORE);
export const LATENCY_MAX = gauge('core_packet_latency_max_seconds', 'Longest packet latency since the start.', CORE);
export const LATENCY_SMOOTHED = gauge(
  'core_packet_latency_smoothed_seconds',
  'Packet latency as an exponentially weighted moving average.',
  CORE,
);
export const LATENCY_JITTER = gauge(
  'core_packet_latency_jitter_seconds',
  'Difference between the latencies of packets that follow each other, smoothed.',
  CORE,
);
export const WINDOW_MIN = gauge(
  'core_packet_latency_window_min_seconds',
  'Shortest packet latency in the last complete window; none when no packet came.',
  CORE,
);
export const WINDOW_MAX = gauge(
  'core_packet_latency_window_max_seconds',
  'Longest packet latency in the last complete window; none when no packet came.',
  CORE,
);

export const RING_USED = gauge('dpdk_ring_used', 'Entries in a ring.', ['source', 'ring']);
export const RING_CAPACITY = gauge('dpdk_ring_capacity', 'Entries a ring can hold.', ['source', 'ring']);
export const POOL_SIZE = gauge('dpdk_mempool_size', 'Objects of a memory pool.', ['source', 'pool']);
export const POOL_AVAILABLE = gauge(
  'dpdk_mempool_available',
  'Objects of a memory pool that are free, also those in caches of cores; DPDK 23.03 and later.',
  ['source', 'pool'],
);

export const PORT_LINK = gauge('dpdk_port_up', 'Whether the port has a link.', PORT);
export const PORT_SPEED = gauge(
  'dpdk_port_speed_bytes_per_second',
  'Speed of the link, bytes per second; none while it is down or not known.',
  PORT,
);
export const PORT_PACKETS = counter('dpdk_port_packets_total', 'Packets of the port.', [...PORT, 'direction']);
export const PORT_BYTES = counter('dpdk_port_bytes_total', 'Bytes of the port.', [...PORT, 'direction']);
export const PORT_ERRORS = counter('dpdk_port_errors_total', 'Packets of the port that failed.', [...PORT, 'direction']);
export const PORT_MISSED = counter(
  'dpdk_port_missed_total',
  'Packets that the hardware dropped because no core fetched them in time.',
  PORT,
);
export const PORT_NO_MBUF = counter(
  'dpdk_port_no_mbuf_total',
  'Failures to get a buffer for a received packet: the memory pool was empty.',
  PORT,
);
export const PORT_XSTAT = gauge(
  'dpdk_port_xstat',
  "A statistic of the port's driver, as it shows it; most count up, some are states.",
  [...PORT, 'xstat'],
);

/** Everything the collector may export. */
export const DPDK_METRICS: readonly Metric[] = [
  UP,
  INFO,
  PART,
  core.CORE_LOOPS,
  core.CORE_POLLS,
  core.CORE_PACKETS,
  core.CORE_DROPPED,
  core.CORE_CYCLES,
  core.CORE_LOOP_MAX,
  core.CORE_STALLED,
  core.CORE_LATENCY,
  LATENCY_MIN,
  LATENCY_MAX,
  LATENCY_SMOOTHED,
  LATENCY_JITTER,
  WINDOW_MIN,
  WINDOW_MAX,
  RING_USED,
  RING_CAPACITY,
  POOL_SIZE,
  POOL_AVAILABLE,
  PORT_LINK,
  PORT_SPEED,
  PORT_PACKETS,
  PORT_BYTES,
  PORT_ERRORS,
  PORT_MISSED,
  PORT_NO_MBUF,
  PORT_XSTAT,
  ...SESSION_SYNC_METRICS,
];
