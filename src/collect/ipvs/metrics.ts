/** Families of kernel LVS beyond those that it shares with DPVS. */
import { counter, gauge, type Metric } from '../../model/family.ts';
import * as shared from '../service-metrics.ts';

export const SERVICE_INFO = gauge('ipvs_service_info', 'Settings of the virtual service; always 1.', [
  'service',
  'scheduler',
  'persistent',
  'one_packet',
]);
export const TOTAL_CONNECTIONS = counter('ipvs_connections_total', 'Connections scheduled by kernel LVS, all services together.');
export const TOTAL_PACKETS = counter('ipvs_packets_total', 'Packets handled by kernel LVS, all services together.', [
  'direction',
]);
export const TOTAL_BYTES = counter('ipvs_bytes_total', 'Bytes handled by kernel LVS, all services together.', ['direction']);
export const CPU_CONNECTIONS = counter('ipvs_cpu_connections_total', 'Connections scheduled by kernel LVS on the CPU.', ['core']);
export const CPU_PACKETS = counter('ipvs_cpu_packets_total', 'Packets handled by kernel LVS on the CPU.', ['core', 'direction']);
export const CPU_BYTES = counter('ipvs_cpu_bytes_total', 'Bytes handled by kernel LVS on the CPU.', ['core', 'direction']);
export const SYNC_DAEMON = gauge('ipvs_sync_daemon_running', 'Whether the connection synchronisation daemon of this role runs.', [
  'role',
  'interface',
  'sync_id',
]);
const SYNC_SOCKET = ['role', 'port'];
export const SYNC_DROPPED = counter(
  'ipvs_sync_dropped_total',
  'Datagrams of connection synchronisation dropped at a full socket, by role of the daemon.',
  SYNC_SOCKET,
);
export const SYNC_QUEUED = gauge(
  'ipvs_sync_queued_bytes',
  'Bytes that wait in a socket of connection synchronisation: to be sent by a master, to be read by a backup.',
  SYNC_SOCKET,
);

/** Everything the collector may export. */
export const IPVS_METRICS: readonly Metric[] = [
  ...Object.values(shared),
  SERVICE_INFO,
  TOTAL_CONNECTIONS,
  TOTAL_PACKETS,
  TOTAL_BYTES,
  CPU_CONNECTIONS,
  CPU_PACKETS,
  CPU_BYTES,
  SYNC_DAEMON,
  SYNC_DROPPED,
  SYNC_QUEUED,
];
