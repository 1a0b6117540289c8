/** Families of DPVS beyond those that it shares with kernel LVS and with DPDK applications. */
import { CONTROL_SHARED } from '../control-metrics.ts';
import * as cores from '../core-metrics.ts';
import { counter, gauge, type Metric } from '../../model/family.ts';
import * as shared from '../service-metrics.ts';

const PORT = ['port'];
const SERVICE_CORE = ['source', 'service', 'core'];
const REAL_SERVER_CORE = ['source', 'service', 'real_server', 'core'];

export const INFO = gauge('dpvs_info', 'Version of DPVS and releases whose messages it speaks; always 1.', [
  'version',
  'messages',
]);
export const SERVICE_INFO = gauge(
  'dpvs_service_info',
  'Settings of the virtual service, and the port that carries its address; always 1.',
  ['service', 'scheduler', 'persistent', 'synproxy', 'port'],
);
export const SERVICES_UNREAD = gauge(
  'dpvs_services_unread',
  'Virtual services whose real servers this reading did not get: their values are those of an earlier one.',
);
export const INHIBITED = gauge(
  'real_server_inhibited',
  'Whether the data plane keeps the real server out because of a check (1), whatever its weight.',
  ['source', 'service', 'real_server'],
);
export const OVERLOADED = gauge(
  'real_server_overloaded',
  'Whether the real server has reached its upper threshold of connections (1).',
  ['source', 'service', 'real_server'],
);

export const CORE_INFO = gauge('dpvs_core_info', 'What a core of DPVS does, and its receive queues; always 1.', [
  'core',
  'role',
  'queues',
]);
export const SERVICE_CORE_CONNECTIONS = counter(
  'service_core_connections_total',
  'Connections scheduled by the virtual service on one core; only with perCore, and seldom.',
  SERVICE_CORE,
);
export const SERVICE_CORE_PACKETS = counter(
  'service_core_packets_total',
  'Packets from clients (in) and to clients (out) on one core; only with perCore, and seldom.',
  [...SERVICE_CORE, 'direction'],
);
export const SERVICE_CORE_BYTES = counter(
  'service_core_bytes_total',
  'Bytes from clients (in) and to clients (out) on one core; only with perCore, and seldom.',
  [...SERVICE_CORE, 'direction'],
);
export const REAL_SERVER_CORE_CONNECTIONS = counter(
  'real_server_core_connections_total',
  'Connections scheduled to the real server on one core; only with perCore: realServers, and seldom.',
  REAL_SERVER_CORE,
);

export const SNAT_USED = gauge('snat_ports_used', 'Ports of the local address in use towards real servers.', [
  'source',
  'port',
  'local_address',
]);
export const SNAT_FREE = gauge(
  'snat_ports_free',
  'Free ports of the local address over all its pools. One real server uses one pool, 1/16 of them by default: it can be ' +
    'out of ports while many are free.',
  ['source', 'port', 'local_address'],
);
export const SNAT_MISSES = counter(
  'snat_port_misses_total',
  'Times that no port was free for a connection to a real server: it failed, or another local address was tried.',
  ['source', 'port', 'local_address'],
);
export const SNAT_CORE = gauge(
  'snat_address_core',
  'The core that the local address belongs to, where each core has addresses of its own; always 1.',
  ['source', 'port', 'local_address', 'core'],
);
export const LOCAL_CONNECTIONS = gauge(
  'dpvs_local_address_connections',
  'Connections of the virtual service from the local address.',
  ['service', 'local_address'],
);
export const ADDRESS_INFO = gauge('dpvs_address_info', 'Address of an interface of DPVS; always 1.', ['interface', 'address']);

export const PORT_UP = gauge('dpvs_port_up', 'Whether the port has link (1); a bond also needs an active member.', PORT);
export const PORT_INFO = gauge('dpvs_port_info', 'Hardware of the port; always 1.', ['port', 'mac', 'driver', 'pci']);
export const PORT_SPEED = gauge(
  'dpvs_port_speed_bytes_per_second',
  'Speed of the link, bytes per second; none while it is down or not known, and of ports of the kernel (*.kni).',
  PORT,
);
export const PORT_PACKETS = counter('dpvs_port_packets_total', 'Packets received and sent by the port.', ['port', 'direction']);
export const PORT_BYTES = counter('dpvs_port_bytes_total', 'Bytes received and sent by the port.', ['port', 'direction']);
export const PORT_ERRORS = counter(
  'dpvs_port_errors_total',
  'Packets received with errors, and packets that could not be sent.',
  ['port', 'direction'],
);
export const PORT_MISSED = counter(
  'dpvs_port_missed_total',
  'Packets lost in the port because the cores did not fetch them in time: its receive queues were full.',
  PORT,
);
export const PORT_NO_BUFFER = counter('dpvs_port_no_mbuf_total', 'Packets lost because the packet pool was empty.', PORT);
export const PORT_BUFFERS = gauge('dpvs_port_buffers', 'Buffers of the packet pool that the port uses, by state: free, used.', [
  'port',
  'state',
]);
export const PORT_XSTAT = gauge(
  'dpvs_port_xstat',
  "A statistic of the port's driver that xstats names, as it shows it; most count up, some are states.",
  ['port', 'xstat'],
);
export const BOND_MEMBERS = gauge('dpvs_bond_members', 'Members of the bond, by state: active, inactive.', ['port', 'state']);
export const BOND_MEMBER_ACTIVE = gauge('dpvs_bond_member_active', 'Whether the member of the bond is active (1).', [
  'port',
  'member',
]);

export const CONTROL_DROPPED = counter(
  'control_queue_dropped_total',
  'Questions of this agent that a core did not answer in time: its message queue is full, or it is overloaded.',
  ['source'],
);
export const CONTROL_REQUESTS = counter('dpvs_control_requests_total', 'Questions asked on the control socket.');
export const CONTROL_ERRORS = counter('dpvs_control_errors_total', 'Errors answered on the control socket, by their code.', [
  'code',
]);

export const NEIGHBOURS = gauge('dpvs_neighbours', 'Entries of the neighbour table; only with extra: neighbours.', [
  'interface',
  'state',
]);
export const ROUTES = gauge('dpvs_routes', 'Routes, those to own addresses included; only with extra: routes.', [
  'interface',
  'family',
]);
export const ACCESS_ENTRIES = gauge(
  'dpvs_access_list_entries',
  'Entries of deny and allow lists; only with extra: accessLists.',
  ['service', 'list'],
);
export const MULTICAST = gauge('dpvs_multicast_addresses', 'Multicast addresses joined; only with extra: multicast.', [
  'interface',
  'kind',
]);
export const SAMPLED_CONNECTIONS = gauge(
  'dpvs_sampled_connections',
  'States of the first 1024 connections of the table at most: shares, not counts; only with extra: connections.',
  ['service', 'state'],
);

/** What is published of tables; everything else at each reading. */
export const TABLE_METRICS: readonly Metric[] = [
  ...Object.values(shared),
  cores.CORE_LOOPS,
  cores.CORE_POLLS,
  cores.CORE_PACKETS,
  cores.CORE_BYTES,
  cores.CORE_DROPPED,
  SERVICE_INFO,
  INHIBITED,
  OVERLOADED,
  CORE_INFO,
  SERVICE_CORE_CONNECTIONS,
  SERVICE_CORE_PACKETS,
  SERVICE_CORE_BYTES,
  REAL_SERVER_CORE_CONNECTIONS,
  SNAT_USED,
  SNAT_FREE,
  SNAT_MISSES,
  SNAT_CORE,
  ...CONTROL_SHARED,
  LOCAL_CONNECTIONS,
  ADDRESS_INFO,
  NEIGHBOURS,
  ROUTES,
  ACCESS_ENTRIES,
  MULTICAST,
  SAMPLED_CONNECTIONS,
];

/** What states that DPVS and its ports are there. */
export const EXISTENCE: readonly Metric[] = [INFO, PORT_UP, PORT_INFO, PORT_SPEED, BOND_MEMBERS, BOND_MEMBER_ACTIVE];

export const DPVS_METRICS: readonly Metric[] = [
  ...TABLE_METRICS,
  INFO,
  SERVICES_UNREAD,
  PORT_UP,
  PORT_INFO,
  PORT_SPEED,
  PORT_PACKETS,
  PORT_BYTES,
  PORT_ERRORS,
  PORT_MISSED,
  PORT_NO_BUFFER,
  PORT_BUFFERS,
  PORT_XSTAT,
  BOND_MEMBERS,
  BOND_MEMBER_ACTIVE,
  CONTROL_DROPPED,
  CONTROL_REQUESTS,
  CONTROL_ERRORS,
];
