// Virtual services and their real servers; racks. Several groups, evaluated side by side: each looks at thousands of series of every service,
// and while thousands of alerts fire, Prometheus fills in the texts of each one at every evaluation.
local lib = import '../lib.libsonnet';

function(config)
  local t = config.thresholds;
  local service = ['cluster', 'server', 'service'];
  local alert(a) = lib.alert(config, { level: 'service', vars: service } + a);
  local down = 'fourlane_real_server_verdict{cluster=%q, server=%q, service=%q, verdict="RS_DOWN"} == 1';
  local downList = lib.list(down, service, 'real_server', 'none');
  // Services without a real server that is up, found once for both alerts; value 0.
  local lost = lib.rule('service:fourlane_real_servers_up:none', |||
    sum by (cluster, server, service) (fourlane_service_real_servers{%(s)s, state="up"}) == 0
    and on (cluster, server, service) fourlane_service_real_servers{%(s)s, state!="up"} > 0
  ||| % { s: config.selector });
  // Those of them whose real servers that are down all stand in racks that have failed: the page of the rack says so.
  local lostToRacks = lib.rule('service:fourlane_real_servers_up:none_in_failed_racks', |||
    service:fourlane_real_servers_up:none
    and on (cluster, server, service) (
      count by (cluster, server, service) (fourlane_real_server_verdict{%(s)s, verdict="RS_DOWN"} == 1)
      == count by (cluster, server, service) (
        fourlane_real_server_verdict{%(s)s, verdict="RS_DOWN"} == 1
        and on (cluster, server, rack) fourlane_rack_fault{%(s)s} == 1
      )
    )
  ||| % { s: config.selector });
  local noRealServers(cause, expr, words) = alert({
    name: 'FourlaneServiceNoRealServers',
    severity: 'critical',
    expr: expr,
    hold: '15s',
    keep: config.keepFiring,
    summary: 'A service has no real server that is up.',
    description: 'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }}: every real server is judged down%s.' % words,
    impact: 'Down: ' + downList + '.',
    command: 'fourlane status',
  }) + { labels+: { cause: cause } };
  local rackLost = 'sum by (service) (fourlane_service_real_servers{cluster=%q, state="up"}) == 0';
  [
    {
      name: 'fourlane-service',
      rules: [
        lost,
        lostToRacks,
        noRealServers('rack', 'service:fourlane_real_servers_up:none_in_failed_racks', ', all of them in failed racks'),
        noRealServers('real_servers', 'service:fourlane_real_servers_up:none unless on (cluster, server, service) service:fourlane_real_servers_up:none_in_failed_racks', ''),
        alert({
          name: 'FourlaneServicePanic',
          severity: 'critical',
          expr: 'max by (cluster, server, service) (fourlane_service_panic{%s}) == 1' % config.selector,
          hold: '30s',
          keep: config.keepFiring,
          summary: 'So many real servers look down that the agent keeps them in service.',
          description: 'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} is in panic: taking out what looks down would leave too little, so it stays in service.',
          impact: 'Judged down: ' + downList + '.',
          command: 'fourlane status',
        }),
        alert({
          name: 'FourlaneRackFault',
          severity: 'critical',
          expr: 'count by (cluster, rack) (fourlane_rack_fault{%s} == 1) > 0' % config.selector,
          hold: '10s',
          keep: config.keepFiring,
          summary: 'A whole rack of real servers has failed.',
          description: 'Rack {{ $labels.rack }} of cluster {{ $labels.cluster }} is judged RACK_FAULT by {{ $value }} load balancers: '
                       + lib.list('fourlane_rack_fault{cluster=%q, rack=%q} == 1', ['cluster', 'rack'], 'server', 'none now') + '.',
          impact: 'Services without any real server: ' + lib.list(rackLost, ['cluster'], 'service', 'none') + '.',
          command: 'fourlane status',
          level: 'cluster',
          vars: ['cluster'],
        }),
      ],
    },
    {
      name: 'fourlane-service-slices',
      rules: [
        alert({
          name: 'FourlaneServiceUnserved',
          severity: 'critical',
          expr: 'max by (cluster, server, service) (fourlane_service_slice_enabled{%s}) == 0' % config.selector,
          hold: '30s',
          summary: 'A service is switched off on every NIC of a load balancer.',
          description: 'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} is not served through any NIC.',
          command: 'fourlane status',
        }),
      ],
    },
    {
      name: 'fourlane-service-weights',
      rules: [
        alert({
          name: 'FourlaneServiceCapacityLow',
          severity: 'warning',
          expr: |||
            sum by (cluster, server, service) (fourlane_real_server_weight{%(s)s, kind="wanted"})
            / sum by (cluster, server, service) (fourlane_real_server_weight{%(s)s, kind="configured"} > 0) < %(t)g
          ||| % { s: config.selector, t: t.serviceCapacity },
          hold: '1m',
          summary: 'Much of the capacity of a service is out of use.',
          description: 'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} uses {{ $value | humanizePercentage }} of its configured weight.',
          impact: 'Judged down: ' + downList + '.',
          command: 'fourlane status',
        }),
      ],
    },
    {
      name: 'fourlane-real-server',
      rules: [
        alert({
          name: 'FourlaneRealServerDown',
          severity: 'info',
          // A planned absence is nobody's surprise.
          expr: |||
            count by (cluster, server, service, rack) (
              fourlane_real_server_verdict{%(s)s, verdict="RS_DOWN"} == 1
              unless on (cluster, real_server) fourlane_cluster_real_server_maintenance{%(s)s} == 1
            ) > 0
          ||| % { s: config.selector },
          hold: '5m',
          summary: 'Real servers of a service are down.',
          description: '{{ $value }} real servers of {{ $labels.service }} are judged RS_DOWN by {{ $labels.server }} in cluster {{ $labels.cluster }}: ' + downList + '.',
          command: 'fourlane why rs HOST:PORT',
        }),
        alert({
          name: 'FourlaneCertificateExpires',
          severity: 'warning',
          expr: 'min by (cluster, server, real_server) (fourlane_certificate_not_after_timestamp_seconds{%s}) - time() < %d' % [config.selector, t.certificateDays * 86400],
          hold: '10m',
          summary: 'A certificate that real servers show will expire soon.',
          description: 'The certificate of {{ $labels.real_server }} seen by {{ $labels.server }} in cluster {{ $labels.cluster }} expires in {{ $value | humanizeDuration }}.',
          command: 'openssl s_client -connect {{ $labels.real_server }} </dev/null | openssl x509 -noout -dates',
          level: 'server',
          vars: ['cluster', 'server'],
        }),
        alert({
          name: 'FourlaneAddressLost',
          severity: 'warning',
          expr: 'max by (cluster, service) (count by (cluster, server, service) (fourlane_passthrough_finding{%s, finding="ADDRESS_LOST"} == 1)) > 0' % config.selector,
          hold: '15m',
          summary: 'Real servers do not get the address of clients.',
          description: '{{ $value }} of the verifications of service {{ $labels.service }} in cluster {{ $labels.cluster }} find that real servers take another address for that of the client: '
                       + lib.list('fourlane_passthrough_finding{cluster=%q, service=%q, finding="ADDRESS_LOST"} == 1', ['cluster', 'service'], 'real_server', 'none now') + '.',
          impact: 'Their logs, limits and access lists have wrong addresses. They serve, and stay in service.',
          command: 'fourlane passthrough --config /etc/fourlane.yaml --service {{ $labels.service }}',
          vars: ['cluster', 'service'],
        }),
      ],
    },
  ]
