// Cluster level: which server is bad?
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.cluster;
  local recorded = select.recorded.cluster;
  local t = config.thresholds;
  {
    servers:: {
      title: 'Servers',
      description: 'One row per load balancer, least capacity first. A server that stands out in a column is the one to open.',
      by: [['server', 'Server', (import '../lib/dashboard.libsonnet').drill('server', ['job', 'cluster'], ['server'])]],
      sort: 'Capacity',
      desc: false,
      columns: [
        { title: 'Capacity', unit: 'percentunit', expr: 'avg by (server) (fourlane_nic_slice_enabled{%s})' % sel, steps: panel.falling(t.serverCapacity, 1) },
        { title: 'NICs down', unit: 'short', expr: 'count by (server) (fourlane_nic_up{%s} == 0) or 0 * sum by (server) (fourlane_nic_up{%s})' % [sel, sel], steps: panel.none },
        { title: 'Services down', unit: 'short', expr: 'count by (server) (fourlane_service_up{%s} == 0) or 0 * sum by (server) (fourlane_service_up{%s})' % [sel, sel], steps: panel.none },
        { title: 'Real servers down', unit: 'short', expr: 'count by (server) (fourlane_real_server_up{%s} == 0) or 0 * sum by (server) (fourlane_real_server_up{%s})' % [sel, sel], steps: panel.rising(1, 10) },
        { title: 'Bad checks', unit: 'percentunit', decimals: 1, expr: 'max by (server) (server:fourlane_check_bad:ratio5m{%s})' % recorded, steps: panel.rising(0.05, 0.3) },
        { title: 'Check p99', unit: 's', expr: 'max by (server) (server:fourlane_check_duration_seconds:p99{%s})' % recorded },
        { title: 'Connections/s', unit: 'cps', expr: 'max by (server) (server:fourlane_connections:rate5m{%s})' % recorded },
        { title: 'Packets/s', unit: 'pps', expr: 'max by (server) (server:fourlane_packets:rate5m{%s})' % recorded },
      ],
    },
    services:: {
      title: 'Services',
      description: 'Services of the cluster, the least available first. Availability is the share of servers on which the service is up.',
      by: [['service', 'Service', (import '../lib/dashboard.libsonnet').drill('service', ['job', 'cluster'], ['service'])]],
      sort: 'Available',
      desc: false,
      columns: [
        { title: 'Available', unit: 'percentunit', expr: 'avg by (service) (fourlane_service_up{%s})' % sel, steps: panel.falling(0.5, 1) },
        { title: 'Budget burn 1 h', unit: 'short', decimals: 1, expr: 'max by (service) (cluster_service:fourlane_unavailable:ratio_1h{%s}) / %g' % [recorded, 1 - config.slo.objective], steps: panel.rising(1, 14.4) },
        { title: 'Weight in use', unit: 'percentunit', expr: 'sum by (service) (fourlane_real_server_weight{%s, kind="wanted"}) / sum by (service) (fourlane_real_server_weight{%s, kind="configured"})' % [sel, sel], steps: panel.falling(t.serviceCapacity, 1) },
        { title: 'In panic', unit: 'short', expr: 'sum by (service) (fourlane_service_panic{%s})' % sel, steps: panel.none },
      ],
    },
    capacity:: {
      title: 'Capacity by server',
      description: "Share of each server's NICs that services may use. A step down is a NIC that failed or is held down; the NIC dashboard names it.",
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'bottomk($k, server:fourlane_capacity:ratio{%s})' % recorded,
      legend: '{{server}}',
      low: true,
      steps: panel.falling(t.serverCapacity, t.clusterCapacity),
    },
    connections:: {
      title: 'New connections by server',
      description: 'Connections per second, the busiest servers. One server far from the others: compare its routes and its share of ECMP.',
      unit: 'cps',
      min: 0,
      expr: 'topk($k, server:fourlane_connections:rate5m{%s})' % recorded,
      legend: '{{server}}',
    },
    packets:: {
      title: 'Packets by server',
      description: 'Packets per second in both directions, the busiest servers.',
      unit: 'pps',
      min: 0,
      expr: 'topk($k, server:fourlane_packets:rate5m{%s})' % recorded,
      legend: '{{server}}',
    },
    outliers:: {
      title: 'Distance from the cluster',
      description: "How far a server lies from its cluster's median, in median absolute deviations. Above %g for 5 minutes it becomes a ticket." % t.outlierScore,
      unit: 'short',
      min: 0,
      expr: 'topk($k, server:fourlane_outlier:score{%s})' % recorded,
      legend: '{{server}} {{kind}}',
      steps: panel.rising(t.outlierScore / 2, t.outlierScore),
    },
    badChecks:: {
      title: 'Bad checks by server',
      description: 'Share of checks that did not end well. All servers together: the real servers. One server: its NICs or the network near it.',
      unit: 'percentunit',
      min: 0,
      expr: 'topk($k, server:fourlane_check_bad:ratio5m{%s})' % recorded,
      legend: '{{server}}',
    },
    racks:: {
      title: 'Racks judged failed',
      description: 'Load balancers that judge the rack RACK_FAULT. Call who runs the rack, its switch and its power.',
      unit: 'short',
      min: 0,
      expr: 'sum by (rack) (fourlane_rack_fault{%s})' % sel,
      legend: '{{rack}}',
      steps: panel.none,
    },
    failover:: {
      title: 'Fail-over keeps connections',
      description: 'Share of the sessions of a peer that each server holds; a fail-over to it keeps so many. Of kernel LVS: established connections of the backup by those of the master; short ones are never handed over.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'min by (server, peer) (server_peer:fourlane_session_sync_completeness:ratio{%s})' % select.recorded.cluster,
      legend: '{{server}} of {{peer}}',
      low: true,
      steps: panel.falling(config.thresholds.syncCompleteness, 0.98),
    },
  }
