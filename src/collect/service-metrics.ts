/** Families of virtual services and real servers as the data plane counts them; `source` is `ipvs` or `dpvs`. */
import type { Exact } from '../model/exact.ts';
import { counter, gauge } from '../model/family.ts';

/** What a data plane counts of a service or of a real server. */
export interface Traffic {
  readonly connections: Exact;
  readonly inPackets: Exact;
  readonly outPackets: Exact;
  readonly inBytes: Exact;
  readonly outBytes: Exact;
}

const SERVICE = ['source', 'service'];
const REAL_SERVER = [...SERVICE, 'real_server'];

export const SERVICE_CONNECTIONS = counter('service_connections_total', 'Connections scheduled by the virtual service.', SERVICE);
export const SERVICE_ACTIVE = gauge('service_active_connections', 'Established connections of the virtual service.', SERVICE);
export const SERVICE_INACTIVE = gauge(
  'service_inactive_connections',
  'Connections of the virtual service in other states than established.',
  SERVICE,
);
export const SERVICE_PACKETS = counter(
  'service_packets_total',
  'Packets from clients (in) and to clients (out). Replies that do not pass the load balancer (DR, TUN, one-packet ' +
    'scheduling) are not counted.',
  [...SERVICE, 'direction'],
);
export const SERVICE_BYTES = counter('service_bytes_total', 'Bytes from clients (in) and to clients (out).', [
  ...SERVICE,
  'direction',
]);
export const REAL_SERVER_CONNECTIONS = counter(
  'real_server_connections_total',
  'Connections scheduled to the real server.',
  REAL_SERVER,
);
export const REAL_SERVER_ACTIVE = gauge(
  'real_server_active_connections',
  'Established connections of the real server.',
  REAL_SERVER,
);
export const REAL_SERVER_INACTIVE = gauge(
  'real_server_inactive_connections',
  'Connections of the real server in other states than established.',
  REAL_SERVER,
);
export const REAL_SERVER_PACKETS = counter(
  'real_server_packets_total',
  'Packets forwarded to the real server (in) and back to clients (out).',
  [...REAL_SERVER, 'direction'],
);
export const REAL_SERVER_BYTES = counter(
  'real_server_bytes_total',
  'Bytes forwarded to the real server (in) and back to clients (out).',
  [...REAL_SERVER, 'direction'],
);
export const REAL_SERVER_WEIGHT = gauge(
  'real_server_actual_weight',
  'Weight of the real server in the data plane; 0: no new connections.',
  REAL_SERVER,
);
export const CONNECTIONS_USED = gauge('conn_table_used', 'Connections in the connection table.', ['source']);
