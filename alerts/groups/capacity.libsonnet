// Capacity of servers and clusters; servers that differ from their peers.
local lib = import '../lib.libsonnet';

function(config)
  local t = config.thresholds;
  local server = ['cluster', 'server'];
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  {
    name: 'fourlane-capacity',
    rules: [
      lib.alert(
        config, 'FourlaneServerCapacityLow', 'critical', 'server:fourlane_capacity:ratio < %g' % t.serverCapacity,
        'A load balancer has lost much of its NICs.',
        'Services may use {{ $value | humanizePercentage }} of the NICs of ' + where + '.',
        'fourlane status', 'server', server, hold='1m'
      ),
      lib.alert(
        config, 'FourlaneClusterCapacityLow', 'critical',
        'cluster:fourlane_capacity:ratio < %g and cluster:fourlane_servers:count >= %d' % [t.clusterCapacity, t.clusterCapacityMinServers],
        'A cluster has lost much of its NICs.',
        'Services may use {{ $value | humanizePercentage }} of the NICs in cluster {{ $labels.cluster }}. Least on: '
        + lib.list('bottomk(8, server:fourlane_capacity:ratio{cluster=%q} < 1)', ['cluster'], 'server', 'no server') + '. Stop roll-outs and drains.',
        'fourlane status', 'cluster', ['cluster'], hold='2m'
      ),
      lib.alert(
        config, 'FourlaneServerOutlier', 'warning',
        'server:fourlane_outlier:score > %g and on (cluster) cluster:fourlane_servers:count >= %d' % [t.outlierScore, t.outlierMinServers],
        'A load balancer differs from its peers.',
        where + ' lies {{ $value | humanize }} deviations from the median of its cluster in {{ $labels.kind }}.',
        'fourlane status', 'server', server, hold='5m'
      ),
    ],
  }
