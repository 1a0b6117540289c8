// Recording rules: sums for the cluster level, the distance of a server from its peers, the error budget.
local lib = import 'lib.libsonnet';

function(config)
  local s = config.selector;
  local rule = lib.rule;
  local unavailable = 'cluster_service:fourlane_unavailable:ratio';
  local median(x) = 'quantile by (cluster) (0.5, %s)' % x;
  // 1.4826: a normal distribution's deviation per MAD. The least deviation keeps clusters of equal servers from dividing by nothing.
  local outlier(kind, x) = {
    record: 'server:fourlane_outlier:score',
    labels: { kind: kind },
    expr: |||
      abs(%(x)s - on (cluster) group_left () quantile by (cluster) (0.5, %(x)s))
      / on (cluster) group_left () (
        1.4826 * quantile by (cluster) (0.5, abs(%(x)s - on (cluster) group_left () quantile by (cluster) (0.5, %(x)s)))
        + %(share)g * quantile by (cluster) (0.5, %(x)s) / %(score)g > 0
      )
    ||| % { x: x, share: config.thresholds.outlierShare, score: config.thresholds.outlierScore },
  };
  {
    groups: [
      {
        name: 'fourlane-cluster',
        rules: [
          rule('server:fourlane_connections:rate5m', 'sum by (cluster, server) (rate(fourlane_service_connections_total{%s}[5m]))' % s),
          rule('server:fourlane_check_bad:ratio5m', |||
            sum by (cluster, server) (rate(fourlane_check_results_total{%(s)s, outcome!="ok"}[5m]))
            / sum by (cluster, server) (rate(fourlane_check_results_total{%(s)s}[5m]))
          ||| % { s: s }),
          rule('server:fourlane_check_duration_seconds:p99', 'histogram_quantile(0.99, sum by (cluster, server, le) (rate(fourlane_check_duration_seconds_bucket{%s}[5m])))' % s),
          // A NIC that has failed is no capacity, also where the governor keeps it in service.
          rule('server:fourlane_capacity:ratio', 'avg by (cluster, server) (fourlane_nic_slice_enabled{%s} * fourlane_nic_up{%s})' % [s, s]),
          rule('cluster:fourlane_servers:count', 'count by (cluster) (fourlane_build_info{%s})' % s),
          rule('cluster:fourlane_capacity:ratio', 'avg by (cluster) (fourlane_nic_slice_enabled{%s} * fourlane_nic_up{%s})' % [s, s]),
          rule('cluster:fourlane_connections:rate5m', 'sum by (cluster) (server:fourlane_connections:rate5m)'),
          rule('cluster:fourlane_check_bad:ratio5m', |||
            sum by (cluster) (rate(fourlane_check_results_total{%(s)s, outcome!="ok"}[5m]))
            / sum by (cluster) (rate(fourlane_check_results_total{%(s)s}[5m]))
          ||| % { s: s }),
          outlier('connections', 'server:fourlane_connections:rate5m'),
          outlier('check_duration', 'server:fourlane_check_duration_seconds:p99'),
        ],
      },
    ] + [
      // Every service's counters: groups of their own, evaluated side by side.
      {
        name: 'fourlane-' + kind,
        rules: [
          rule('server:fourlane_%s:rate5m' % kind, 'sum by (cluster, server) (rate(fourlane_service_%s_total{%s}[5m]))' % [kind, s]),
          rule('cluster:fourlane_%s:rate5m' % kind, 'sum by (cluster) (server:fourlane_%s:rate5m)' % kind),
        ],
      }
      for kind in ['packets', 'bytes']
    ] + [
      {
        name: 'fourlane-session-sync',
        rules: [
          // What a server holds for another one, of what that has: by the number of the peer. Of kernel LVS as the agents compare it,
          // `peer` is the master by its name; where none does, a backup beside the only master of the cluster.
          rule('server_peer:fourlane_session_sync_completeness:ratio', |||
            sum by (cluster, server, peer) (fourlane_session_sync_peer_sessions{%(s)s})
            / on (cluster, peer) group_left ()
            label_replace(sum by (cluster, sync_id) (fourlane_session_sync_sessions{%(s)s, origin="own"}) > 0, "peer", "$1", "sync_id", "(.+)")
            or
            %(compared)s
            or
            label_replace(
              (
                sum by (cluster, server) (fourlane_real_server_active_connections{%(s)s, source="ipvs"})
                and on (cluster, server) (%(backup)s) unless on (cluster, server) %(master)s
              )
              / on (cluster) group_left ()
              (
                sum by (cluster) (fourlane_real_server_active_connections{%(s)s, source="ipvs"} and on (cluster, server) %(master)s) > 0
                and on (cluster) count by (cluster) (%(master)s) == 1
              ),
              "peer", "master", "server", ".*"
            )
            unless on (cluster, server) (%(compared)s)
          ||| % {
            s: s,
            // A master's word is of its peer's share: the two change places.
            compared: std.rstripChars(|||
              max by (cluster, server, peer) (
                fourlane_session_sync_completeness_ratio{%(s)s, role="backup"}
                or label_replace(label_replace(label_replace(fourlane_session_sync_completeness_ratio{%(s)s, role="master"}, "holder", "$1", "peer", "(.+)"), "peer", "$1", "server", "(.+)"), "server", "$1", "holder", "(.+)")
              )
            ||| % { s: s }, '\n'),
            backup: 'max by (cluster, server) (fourlane_ipvs_sync_daemon_running{%s, role="backup"}) == 1' % s,
            master: '(max by (cluster, server) (fourlane_ipvs_sync_daemon_running{%s, role="master"}) == 1)' % s,
          }),
        ],
      },
      {
        name: 'fourlane-slo-windows',
        rules: [
          rule('cluster_service:fourlane_unavailable:ratio', '1 - avg by (cluster, service) (fourlane_service_up{%s})' % s),
        ] + [
          rule('%s_%s' % [unavailable, window], 'avg_over_time(%s[%s])' % [unavailable, window])
          for window in ['5m', '30m', '1h', '6h', '3d']
        ],
      },
    ],
  }
