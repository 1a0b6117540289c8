// A server in a cluster with an etcd: what it may not take out of service, what it does not run, and what it does not know.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local alert(a) = lib.alert(config, { level: 'agent', vars: ['cluster', 'server'] } + a);
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  {
    name: 'fourlane-cluster-of-agents',
    rules: [
      alert({
        name: 'FourlaneWithdrawalDenied',
        severity: 'critical',
        expr: 'sum by (cluster, server, budget) (fourlane_cluster_budget_denied{%s}) > 0' % s,
        hold: '30s',
        summary: 'A load balancer may not take out of service what fails: others have used the budget.',
        description: where + ' wishes to take {{ $value }} out of service ({{ $labels.budget }}), and the budget is used: somebody must decide.',
        impact: 'Clients go on being sent to what fails on this server.',
        command: 'fourlane cluster status',
      }),
      alert({
        name: 'FourlaneReleaseNotApplied',
        severity: 'warning',
        expr: 'max by (cluster, server, state) (fourlane_cluster_release_state{%s, state=~"failed|refused"}) == 1' % s,
        hold: '5m',
        summary: 'A server does not run the release that it should.',
        description: 'The release for ' + where + ' is {{ $labels.state }} there; what ran before goes on.',
        command: 'fourlane cluster why {{ $labels.server }}',
      }),
      alert({
        name: 'FourlaneMaintenanceOfServer',
        severity: 'info',
        // Whoever sees it says it: the server itself may be off.
        expr: 'max by (cluster, server) (label_replace(fourlane_cluster_maintenance{%s, nic=""}, "server", "$1", "of", "(.+)")) == 1' % s,
        hold: '0s',
        summary: 'A load balancer is in maintenance: it pages nobody.',
        description: where + ' is in maintenance, as `fourlane cluster maintenance` has it.',
        command: 'fourlane cluster maintenance',
      }),
      alert({
        name: 'FourlaneMaintenanceOfNic',
        severity: 'info',
        expr: 'max by (cluster, server, nic) (label_replace(fourlane_cluster_maintenance{%s, nic!=""}, "server", "$1", "of", "(.+)")) == 1' % s,
        hold: '0s',
        summary: 'A NIC of a load balancer is in maintenance: it pages nobody.',
        description: 'NIC {{ $labels.nic }} of ' + where + ' is in maintenance, as `fourlane cluster maintenance` has it.',
        command: 'fourlane cluster maintenance',
      }),
      alert({
        name: 'FourlaneEtcdStale',
        severity: 'warning',
        expr: 'max by (cluster, server) (fourlane_cluster_stale_seconds{%s}) > 300' % s,
        hold: '0s',
        summary: 'A server does not follow etcd any more.',
        description: where + ' has not followed etcd for {{ $value | humanizeDuration }}: no releases, no word of the others, no budgets.',
        command: 'fourlane doctor; journalctl -u fourlane -n 50 | grep etcd',
      }),
      alert({
        name: 'FourlaneEtcdCertificateExpires',
        severity: 'warning',
        expr: 'min by (cluster, server) (fourlane_cluster_certificate_not_after_timestamp_seconds{%s}) - time() < 14 * 86400' % s,
        hold: '10m',
        summary: 'The certificate by which etcd knows a server expires soon.',
        description: 'The client certificate of ' + where + ' for etcd ends in {{ $value | humanizeDuration }}.',
        command: 'fourlane doctor',
      }),
    ],
  }
