/** Who plays in the synthetic data: the label values of each family. */
import type { Metric } from '../../../src/model/family.ts';
import { count } from '../../../src/lab/layout.ts';
import { labLayout } from '../../../src/lab/topology.ts';

const VALUES: Readonly<Record<string, readonly string[]>> = {
  core: count(6).map(String),
  fill: ['none', 'some', 'full'],
  direction: ['in', 'out'],
  port: ['dpdk0', 'dpdk1'],
  pool: ['mbuf_pool_0', 'mbuf_pool_1'],
  ring: ['msg_ring_1', 'log_ring', 'kni_rx_ring_dpdk0.kni'],
  queue: ['log'],
  reason: ['full', 'no_buffer'],
  local_address: ['10.9.0.11', '10.9.0.12'],
  process: ['parent', 'vrrp', 'checker'],
  vrrp_instance: ['VI_1', 'VI_2'],
  sync_group: ['VG_1'],
  to: ['backup', 'master', 'fault'],
  change: ['became', 'released'],
  error: ['auth', 'ttl', 'addresses', 'interval'],
  script: ['check_lanes'],
  service: labLayout.services.map((s) => s.name),
  by: ['telemetry', 'file'],
  type: ['IPVS', 'NEIGHBOUR', 'DSCHED', 'slow_mode', 'other'],
  how: ['renamed', 'truncated'],
  code: ['-1'],
  interface: ['bond0'],
  real_server: labLayout.services[0]!.realServers.map((r) => r.address.replace('8080', '443')),
  member: ['eth4', 'eth5'],
  version: ['1.10.1'],
  role: ['master', 'backup'],
  outcome: ['ok', 'timeout'],
  first: ['fourlane', 'keepalived'],
  out: ['keepalived'],
  verdict: ['NIC_FAIL', 'OK'],
  end: ['followed', 'reverted'],
  daemon: ['bgpd'],
  vrf: ['default'],
  peer: ['192.0.2.1'],
  family: ['ipv4'],
  level: ['group', 'server'],
  prefix: ['10.0.0.48/29'],
  budget: ['server', 'nic'],
  way: ['direct'],
  origin: ['own', 'synced'],
  sync_id: ['1'],
  finding: ['ADDRESS_LOST'],
  cause: ['load_balancer'],
  stage: ['kni_core', 'kni_up'],
  place: ['1', 'eth2'],
  what: ['cores', 'interrupts', 'memory'],
};

const ROLES: Readonly<Record<string, readonly string[]>> = {
  core_cycles_total: ['busy', 'idle'],
  vrrp_state: ['init', 'backup', 'master', 'fault', 'stop'],
  vrrp_sync_group_state: ['init', 'backup', 'master', 'fault', 'stop'],
  vrrp_addresses: ['configured', 'installed'],
  dpvs_port_buffers: ['free', 'used'],
  dpvs_bond_members: ['active', 'inactive'],
  nic_operstate: ['up', 'down'],
  nic_member_operstate: ['up', 'down'],
  nic_member_lacp: ['distributing', 'no_partner'],
  lane_cells: ['ok', 'link_fail', 'service_fail', 'unknown'],
  service_real_servers: ['up', 'down', 'held'],
  collector_state: ['data', 'absent', 'failed'],
  cluster_release_state: ['waiting', 'prepared', 'applying', 'applied', 'failed', 'refused', 'held'],
  session_sync_peer_state: ['init', 'full', 'up', 'down'],
  session_sync_full_state: ['idle', 'receiving', 'done', 'failed'],
  control_path_state: ['isolated', 'shared'],
  control_part_state: ['data', 'absent', 'failed'],
  bgp_session_state: ['idle', 'connect', 'active', 'established', 'admin_down'],
};

const KINDS: Readonly<Record<string, readonly string[]>> = {
  vrrp_priority: ['base', 'effective', 'master'],
  real_server_weight: ['configured', 'wanted'],
};

/** Label values that a server has for itself, such as the names of its NICs. */
export type Own = Readonly<Record<string, readonly string[]>>;

function valuesOf(name: string, label: string, own: Own): readonly string[] {
  if (label in own) return own[label]!;
  if (label === 'state') return ROLES[name] ?? ['up'];
  if (label === 'kind') return KINDS[name] ?? ['line'];
  // A peer of synchronisation is named by its number, one of BGP by its address.
  if (label === 'peer' && name.startsWith('session_sync_')) return VALUES['sync_id']!;
  if (label === 'stage' && name.startsWith('session_sync_')) return ['tx_ring', 'no_dest'];
  if (label === 'core' && name.startsWith('ipvs_')) return ['0', '1', '2', '3'];
  if (label === 'queue' && name.startsWith('nic_')) return count(8).map(String);
  return VALUES[label] ?? ['demo'];
}

/** The label values of every series of a family, in the order of its labels. Real servers stand with their own services only. */
export function castOf(metric: Metric, own: Own): readonly (readonly string[])[] {
  const name = metric.name.replace('fourlane_', '');
  let rows: readonly Readonly<Record<string, string>>[] = [{}];
  for (const label of metric.labelNames) {
    rows = rows.flatMap((row) => {
      const service = labLayout.services.find((s) => s.name === row['service']);
      const servers = service?.realServers ?? [];
      let values = valuesOf(name, label, own);
      if (label === 'real_server' && service) values = servers.map((r) => r.address);
      if (label === 'rack' && service)
        values = servers.filter((r) => r.address === row['real_server']).map((r) => `rack${r.rack}`);
      return values.map((value) => ({ ...row, [label]: value }));
    });
  }
  return rows.map((row) => metric.labelNames.map((label) => row[label]!));
}
