// Capacity of servers and clusters; servers that differ from their peers.
local lib = import '../lib.libsonnet';

function(config)
  local t = config.thresholds;
  local server = ['cluster', 'server'];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  {
    name: 'fourlane-capacity',
    rules: [
      lib.alert(config, {
        name: 'FourlaneServerCapacityLow',
        severity: 'critical',
        expr: 'server:fourlane_capacity:ratio < %g' % t.serverCapacity,
        hold: '1m',
        summary: 'A load balancer has lost much of its NICs.',
        description: 'Services may use {{ $value | humanizePercentage }} of the NICs of ' + where + '.',
        command: 'fourlane status',
        level: 'server',
        vars: server,
      }),
      lib.alert(config, {
        name: 'FourlaneClusterCapacityLow',
        severity: 'critical',
        expr: 'cluster:fourlane_capacity:ratio < %g and cluster:fourlane_servers:count >= %d' % [t.clusterCapacity, t.clusterCapacityMinServers],
        hold: '2m',
        summary: 'A cluster has lost much of its NICs.',
        description: 'Services may use {{ $value | humanizePercentage }} of the NICs in cluster {{ $labels.cluster }}. Least on: '
                     + lib.list('bottomk(8, server:fourlane_capacity:ratio{cluster=%q} < 1)', ['cluster'], 'server', 'no server') + '. Stop roll-outs and drains.',
        command: 'fourlane status',
        level: 'cluster',
        vars: ['cluster'],
      }),
      lib.alert(config, {
        name: 'FourlaneServerOutlier',
        severity: 'warning',
        expr: 'server:fourlane_outlier:score > %g and on (cluster) cluster:fourlane_servers:count >= %d' % [t.outlierScore, t.outlierMinServers],
        hold: '5m',
        summary: 'A load balancer differs from its peers.',
        description: where + ' lies {{ $value | humanize }} deviations from the median of its cluster in {{ $labels.kind }}.',
        command: 'fourlane status',
        level: 'server',
        vars: server,
      }),
    ],
  }
