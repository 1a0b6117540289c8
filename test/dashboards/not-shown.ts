/** Families that no dashboard, rule or alert uses, and why. */

/** Reason → families without their prefix `fourlane_`, but those of the process. */
const REASONS: Readonly<Record<string, string>> = {
  'the panel shows a part of it, or what it comes from':
    'collector_success collector_readings_total core_packet_latency_min_seconds core_packet_latency_max_seconds ' +
    'core_packet_latency_smoothed_seconds core_packet_latency_jitter_seconds log_queue_last_write_timestamp_seconds ' +
    'keepalived_processes keepalived_config_load_timestamp_seconds keepalived_process_start_timestamp_seconds ' +
    'keepalived_dump_success keepalived_fifo_lines_total vrrp_last_transition_timestamp_seconds vrrp_master_changes_total ' +
    'vrrp_sync_group_state vrrp_sync_group_transitions_total vrrp_sync_group_members softnet_packets_total ' +
    'ipvs_connections_total ipvs_packets_total ipvs_bytes_total ipvs_cpu_connections_total ipvs_cpu_bytes_total ' +
    'service_inactive_connections nic_bond_mii bgp_session_uptime_seconds ' +
    'nic_steering_rules nic_numa_node ' +
    'ipvs_sync_queued_bytes session_sync_enabled session_sync_taken_over_sessions session_sync_entries_total ' +
    'session_sync_messages_total session_sync_bad_messages_total session_sync_full_state session_sync_full_dropped_sessions ' +
    'passthrough_mismatches_total passthrough_last_success_timestamp_seconds',
  'the same in bytes or packets; rows of the tables lead to it by a query':
    'core_bytes_total log_bytes_total log_queue_written_bytes_total log_queue_write_batches_total real_server_bytes_total ' +
    'real_server_packets_total',
  'names and settings, for joins and for looking up':
    'nic_info nic_duplex nic_mtu_bytes nic_queues nic_member_info dpdk_info dpvs_core_info dpvs_port_info ' +
    'dpvs_service_info dpvs_address_info ipvs_service_info vrrp_instance_info vrrp_advert_interval_seconds ' +
    'bgp_session_reset_info',
  'of one member of a bond: for a look at it, once the timeline of members has named it':
    'nic_member_admin_up nic_member_carrier nic_member_carrier_losses_total nic_member_duplex nic_member_lacp ' +
    'nic_member_lacp_churned nic_member_link_failures_total nic_member_operstate nic_member_rx_bytes_total ' +
    'nic_member_rx_crc_errors_total nic_member_rx_dropped_total nic_member_rx_errors_total nic_member_rx_missed_total ' +
    'nic_member_rx_packets_total nic_member_speed_bytes_per_second nic_member_tx_bytes_total nic_member_tx_dropped_total ' +
    'nic_member_tx_errors_total nic_member_tx_packets_total',
  'only with a setting that is off as shipped':
    'dpdk_port_xstat dpvs_port_xstat dpvs_access_list_entries dpvs_multicast_addresses dpvs_neighbours dpvs_routes ' +
    'dpvs_sampled_connections service_core_bytes_total service_core_connections_total service_core_packets_total ' +
    'real_server_core_connections_total service_sorry_server',
  'how well a collector reads: its state and its age are shown, `fourlane collect` tells the rest':
    'dpdk_part_success dpvs_control_requests_total dpvs_services_unread dpvs_local_address_connections ' +
    'keepalived_dump_duration_seconds keepalived_dump_retries_total keepalived_fifo_connected ' +
    'keepalived_fifo_missed_transitions_total keepalived_pid_file_present logqueue_up vrrp_zero_priority_adverts_total ' +
    'bgp_read_duration_seconds control_part_state',
  'the duration of judge passes is shown; restarts, holds, refused doors, wrong credentials are logged: for a look at the agent':
    'judge_period_seconds http_restarts_total http_listening http_wrong_credentials_total lane_holds_total ' +
    'lane_quarantined_cells',
  'only with an etcd, which is off as shipped':
    'cluster_connected cluster_connects_total cluster_restarts_total cluster_keys cluster_revision ' +
    'cluster_changes_total cluster_snapshots_total cluster_lease_held ' +
    'cluster_leases_lost_total cluster_release_target cluster_release_running cluster_release_matches ' +
    'cluster_release_info cluster_member_announced cluster_release_held cluster_release_reported cluster_release_problems ' +
    'cluster_poison cluster_evidence_written_total cluster_repairs_total ' +
    'cluster_budget_refusals_total',
  'in the text of an alert, which names each': 'action_not_in_place_since_timestamp_seconds',
  'of the way by OpenTelemetry, which has no Prometheus to show it': 'otlp_lost_total otlp_requests_total',
};

const PROCESS =
  'nodejs_eventloop_lag_max_seconds nodejs_eventloop_lag_mean_seconds nodejs_eventloop_lag_min_seconds ' +
  'nodejs_eventloop_lag_p50_seconds nodejs_eventloop_lag_p90_seconds nodejs_eventloop_lag_seconds ' +
  'nodejs_eventloop_lag_stddev_seconds nodejs_external_memory_bytes nodejs_heap_size_total_bytes nodejs_heap_size_used_bytes ' +
  'nodejs_heap_space_size_available_bytes nodejs_heap_space_size_total_bytes nodejs_heap_space_size_used_bytes ' +
  'nodejs_version_info process_cpu_system_seconds_total process_cpu_user_seconds_total process_heap_bytes process_max_fds ' +
  'process_open_fds process_virtual_memory_bytes';

export const NOT_SHOWN: Readonly<Record<string, string>> = Object.fromEntries([
  ...Object.entries(REASONS).flatMap(([why, names]) => names.split(' ').map((name) => [`fourlane_${name}`, why] as const)),
  ...PROCESS.split(' ').map(
    (name) => [name, "of any Node.js process; the panels of fourlane itself show the agent's whole"] as const,
  ),
]);
