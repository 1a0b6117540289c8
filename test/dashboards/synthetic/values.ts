/**
 * What the families of a server that this machine cannot have say, by name. Plausible sizes; made up, and called so wherever they
 * are seen.
 */
import {
  always,
  around,
  by,
  either,
  flow,
  flowed,
  isHot,
  type Move,
  state,
  trouble,
  troubled,
  troubleUntil,
  whole,
} from './moves.ts';

const NOW = Date.now() / 1000;
const QUEUE = 8192;

/** By name without prefix; a family that is not here gets a value by its type and unit (`moveOf`). */
const MOVES: Readonly<Record<string, Move>> = {
  core_loops_total: flow(1.8e6),
  core_polls_total: by('fill', { none: flow(1.5e6), some: flow(2.8e5), full: flow(2e4) }),
  core_packets_total: flow(3.1e5),
  core_bytes_total: flow(1.9e8),
  core_dropped_total: trouble(40),
  core_cycles_total: by('state', { busy: flow(9e8), idle: (labels, t) => flow(1.5e9)({ ...labels, core: '0' }, t) }),
  core_loop_max_seconds: (labels) => (isHot(labels) ? 2.1e-3 : 4e-4),
  core_slow_loop_max_seconds: (labels) => (isHot(labels) ? 2.1e-3 : 4e-4),
  core_slow_loops_total: trouble(0.5),
  core_stalled: always(0),
  core_packet_latency_min_seconds: always(3e-6),
  core_packet_latency_max_seconds: always(9e-4),
  core_packet_latency_smoothed_seconds: around(1.4e-5),
  core_packet_latency_jitter_seconds: around(4e-6),
  core_packet_latency_window_min_seconds: around(3e-6),
  core_packet_latency_window_max_seconds: (labels, t) => around(6e-5)(labels, t) * either(1, 8)(labels, t),
  dpdk_ring_used: whole(by('ring', { msg_ring_1: around(40), log_ring: either(300, 6800) })),
  dpdk_ring_capacity: always(QUEUE),
  dpdk_mempool_size: always(524_287),
  dpdk_mempool_available: whole(around(400_000, 30_000)),
  dpdk_port_packets_total: flow(9e5),
  dpdk_port_bytes_total: flow(5e8),
  dpdk_port_missed_total: trouble(250),
  dpdk_port_no_mbuf_total: always(0),
  dpvs_port_packets_total: flow(9e5),
  dpvs_port_bytes_total: flow(5e8),
  dpvs_port_missed_total: trouble(250),
  dpvs_port_no_mbuf_total: always(0),
  dpvs_port_speed_bytes_per_second: always(3.125e9),
  dpdk_port_speed_bytes_per_second: always(3.125e9),
  dpvs_port_errors_total: always(0),
  dpvs_port_buffers: by('state', { free: around(180_000), used: around(80_000) }),
  dpvs_bond_members: by('state', { active: always(2) }),
  snat_ports_used: whole(around(21_000)),
  snat_ports_free: whole(around(37_000)),
  snat_port_misses_total: trouble(2),
  conn_table_used: whole(around(84_000)),
  control_queue_dropped_total: trouble(0.2),
  dpvs_control_errors_total: trouble(0.1),
  dpvs_services_unread: always(0),
  service_connections_total: flow(2400),
  service_packets_total: flow(4.5e5),
  service_bytes_total: by('direction', { in: flow(6e7), out: flow(4e8) }),
  service_active_connections: whole(around(16_000)),
  service_inactive_connections: whole(around(2200)),
  real_server_connections_total: flow(600),
  real_server_packets_total: flow(1.1e5),
  real_server_bytes_total: by('direction', { in: flow(1.5e7), out: flow(1e8) }),
  real_server_active_connections: whole(around(4000)),
  real_server_inactive_connections: whole(around(550)),
  real_server_actual_weight: always(100),
  real_server_inhibited: always(0),
  real_server_overloaded: always(0),
  ipvs_cpu_packets_total: flow(7e4),
  log_queue_depth: either(120, 6800),
  log_queue_capacity: always(QUEUE),
  log_queue_highest_depth: always(7100),
  log_queue_pool_size: always(16_383),
  log_queue_pool_available: either(16_200, 9100),
  log_queue_enqueued_total: (labels, t) => flow(30)(labels, t) + trouble(1900)(labels, t),
  log_queue_dropped_total: by('reason', { full: trouble(3), no_buffer: always(0) }),
  log_core_throttled: either(0, 1),
  log_slow_mode: either(0, 1),
  log_queue_written_total: flow(200),
  log_queue_write_errors_total: always(0),
  log_queue_writer_lag_seconds: either(0.004, 2.6),
  log_queue_writer_lag_max_seconds: always(3.1),
  log_queue_last_write_timestamp_seconds: (_, t) => NOW + t,
  log_lines_total: by('type', {
    IPVS: flow(60),
    NEIGHBOUR: flow(25),
    DSCHED: flow(4),
    slow_mode: trouble(2),
    other: flow(10),
  }),
  log_invalid_lines_total: always(0),
  log_cut_lines_total: trouble(0.05),
  log_skipped_bytes_total: always(0),
  log_rotations_total: by('how', { renamed: trouble(0.05), truncated: always(0) }),
  keepalived_processes: always(3),
  keepalived_process_restarts_total: by('process', { checker: trouble(0.05) }),
  keepalived_reloads_total: trouble(0.05),
  keepalived_dump_age_seconds: (_, t) => 1 + (t % 15),
  vrrp_transitions_total: by('to', { master: trouble(0.1), backup: trouble(0.05) }),
  vrrp_priority: by('kind', { base: always(150), effective: either(150, 130), master: always(150) }),
  vrrp_addresses: always(4),
  vrrp_advert_interval_seconds: always(1),
  vrrp_faults: always(0),
  vrrp_adverts_total: by('direction', { in: flow(0.05), out: flow(1) }),
  vrrp_advert_errors_total: by('error', { auth: trouble(0.05) }),
  vrrp_sync_group_state: state('state', 'master'),
  shadow_compared_real_servers: always(24),
  shadow_agreeing_real_servers: either(24, 21),
  shadow_differing_real_servers: by('verdict', { NIC_FAIL: either(0, 2), OK: either(0, 1) }),
  shadow_changes_total: by('end', { followed: flow(0.1), reverted: trouble(0.1) }),
  shadow_lead_seconds_sum: by('first', { fourlane: flow(0.3), keepalived: flow(0.05) }),
  shadow_lead_seconds_count: flow(0.1),
  ipvs_sync_daemon_running: always(1),
  nic_slice_enabled: always(1),
  service_panic: always(0),
  dpdk_port_errors_total: always(0),
  nic_speed_bytes_per_second: always(3.125e9),
  nic_operstate: state('state', 'up'),
  nic_carrier_losses_total: trouble(0.05),
  nic_rx_bytes_total: flow(4e8),
  nic_tx_bytes_total: flow(4.5e8),
  nic_rx_packets_total: flow(5e5),
  nic_tx_packets_total: flow(5e5),
  nic_rx_missed_total: trouble(20),
  nic_rx_errors_total: always(0),
  nic_tx_errors_total: always(0),
  nic_rx_dropped_total: always(0),
  nic_tx_dropped_total: always(0),
  nic_rx_crc_errors_total: trouble(3),
  nic_member_active: (labels, t) => (labels['member'] === 'eth5' && troubled(t) ? 0 : 1),
  nic_member_operstate: state('state', 'up'),
  nic_member_lacp: state('state', 'distributing'),
  nic_member_lacp_churned: always(0),
  softnet_packets_total: flow(9e4),
  softnet_dropped_total: trouble(5),
  softnet_squeezed_total: trouble(30),
  lane_cells: by('state', { ok: always(24) }),
  check_results_total: by('outcome', { ok: flow(24), timeout: trouble(0.3) }),
  service_real_servers: by('state', { up: always(4) }),
  real_server_weight: always(100),
  certificate_not_after_timestamp_seconds: (labels) => NOW + 86_400 * (9 + 17 * (labels['real_server']!.charCodeAt(9) - 49)),
  collector_state: state('state', 'data'),
  bgp_session_state: state('state', 'established'),
  bgp_session_up: either(1, 0),
  bgp_session_flaps_total: trouble(0.05),
  bgp_prefixes: always(4),
  bgp_prefix_announced: either(1, 0),
  bgp_unplanned_prefixes: always(0),
  collector_duration_seconds: around(0.012),
  collector_last_success_timestamp_seconds: (_, t) => NOW + t - 1,
};

/** The move of a family; one without a place in the table moves by its type and unit. */
export function moveOf(name: string, vrrp: 'master' | 'backup'): Move {
  const short = name.replace('fourlane_', '');
  if (short === 'vrrp_state') return state('state', vrrp);
  const known = MOVES[short];
  if (known !== undefined) return known;
  if (name.endsWith('_total')) return flow(5);
  if (name.endsWith('_timestamp_seconds')) return always(NOW - 3600);
  return always(1);
}

/** Upper bounds of packet latency, s. */
export const LATENCY_BOUNDS = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((us) => us * 1e-6);
/** Packets per second in each bucket, the last above all bounds; and in trouble, on the hot core. */
const USUAL = [0, 9e3, 7e4, 1.4e5, 6e4, 9e3, 900, 60, 0, 0, 0];
const SLOW = [0, 0, 0, 0, 0, 0, 900, 4e3, 7e3, 1.2e3, 40];

/** Counts per bucket at `t`. */
export function latencyCounts(core: string, t: number): number[] {
  const labels = { core };
  return USUAL.map((rate, k) => Math.floor(rate * flowed(t + 1000) + (isHot(labels) ? SLOW[k]! * troubleUntil(t) : 0)));
}
