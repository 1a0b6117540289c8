// Virtual services and their real servers; racks.
local lib = import '../lib.libsonnet';

function(config)
  local t = config.thresholds;
  local service = ['cluster', 'server', 'service'];
  local alert(name, severity, expr, summary, description, command, impact=null, hold=null, keep=null, vars=service, level='service') =
    lib.alert(config, name, severity, expr, summary, description, command, level, vars, impact, hold, keep);
  local standing(state) = 'fourlane_service_real_servers{%s, state="%s"}' % [config.selector, state];
  local down = 'fourlane_real_server_verdict{cluster=%q, server=%q, service=%q, verdict="RS_DOWN"} == 1';
  local downList = lib.list(down, service, 'real_server', 'none');
  // All real servers that are down stand in racks that have failed: the page of the rack says so.
  local rackExplains = |||
    count by (cluster, server, service) (fourlane_real_server_verdict{%(s)s, verdict="RS_DOWN"} == 1)
    == count by (cluster, server, service) (
      fourlane_real_server_verdict{%(s)s, verdict="RS_DOWN"} == 1
      and on (cluster, server, rack) fourlane_rack_fault{%(s)s} == 1
    )
  ||| % { s: config.selector };
  local noRealServers(cause, operator, words) = alert(
    'FourlaneServiceNoRealServers', 'critical',
    |||
      sum by (cluster, server, service) (fourlane_service_real_servers{%(s)s, state="up"}) == 0
      and sum by (cluster, server, service) (fourlane_service_real_servers{%(s)s}) > 0
      %(operator)s on (cluster, server, service) (%(rackExplains)s)
    ||| % { s: config.selector, operator: operator, rackExplains: std.stripChars(rackExplains, '\n') },
    'A service has no real server that is up.',
    'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }}: every real server is judged down%s.' % words,
    'fourlane status', 'Down: ' + downList + '.', '15s', config.keepFiring
  ) + { labels+: { cause: cause } };
  local rackLost = 'sum by (service) (fourlane_service_real_servers{cluster=%q, state="up"}) == 0';
  {
    name: 'fourlane-service',
    rules: [
      noRealServers('rack', 'and', ', all of them in failed racks'),
      noRealServers('real_servers', 'unless', ''),
      alert(
        'FourlaneServicePanic', 'critical', 'max by (cluster, server, service) (fourlane_service_panic{%s}) == 1' % config.selector,
        'So many real servers look down that the agent keeps them in service.',
        'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} is in panic: taking out what looks down would leave too little, so it stays in service.',
        'fourlane status', 'Judged down: ' + downList + '.', '30s', config.keepFiring
      ),
      alert(
        'FourlaneServiceUnserved', 'critical',
        'max by (cluster, server, service) (fourlane_service_slice_enabled{%s}) == 0' % config.selector,
        'A service is switched off on every NIC of a load balancer.',
        'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} is not served through any NIC.',
        'fourlane status', hold='30s'
      ),
      alert(
        'FourlaneServiceCapacityLow', 'warning',
        |||
          sum by (cluster, server, service) (fourlane_real_server_weight{%(s)s, kind="wanted"})
          / sum by (cluster, server, service) (fourlane_real_server_weight{%(s)s, kind="configured"} > 0) < %(t)g
        ||| % { s: config.selector, t: t.serviceCapacity },
        'Much of the capacity of a service is out of use.',
        'Service {{ $labels.service }} on {{ $labels.server }} in cluster {{ $labels.cluster }} uses {{ $value | humanizePercentage }} of its configured weight.',
        'fourlane status', 'Judged down: ' + downList + '.', '1m'
      ),
      alert(
        'FourlaneRealServerDown', 'info',
        'count by (cluster, server, service, rack) (fourlane_real_server_verdict{%s, verdict="RS_DOWN"} == 1) > 0' % config.selector,
        'Real servers of a service are down.',
        '{{ $value }} real servers of {{ $labels.service }} are judged RS_DOWN by {{ $labels.server }} in cluster {{ $labels.cluster }}: ' + downList + '.',
        'fourlane why rs HOST:PORT', hold='5m'
      ),
      alert(
        'FourlaneRackFault', 'critical', 'count by (cluster, rack) (fourlane_rack_fault{%s} == 1) > 0' % config.selector,
        'A whole rack of real servers has failed.',
        'Rack {{ $labels.rack }} of cluster {{ $labels.cluster }} is judged RACK_FAULT by {{ $value }} load balancers: '
        + lib.list('fourlane_rack_fault{cluster=%q, rack=%q} == 1', ['cluster', 'rack'], 'server', 'none now') + '.',
        'fourlane status', 'Services without any real server: ' + lib.list(rackLost, ['cluster'], 'service', 'none') + '.',
        '10s', config.keepFiring, vars=['cluster'], level='cluster'
      ),
      alert(
        'FourlaneCertificateExpires', 'warning',
        'min by (cluster, server, real_server) (fourlane_certificate_not_after_timestamp_seconds{%s}) - time() < %d' % [config.selector, t.certificateDays * 86400],
        'A certificate that real servers show will expire soon.',
        'The certificate of {{ $labels.real_server }} seen by {{ $labels.server }} in cluster {{ $labels.cluster }} expires in {{ $value | humanizeDuration }}.',
        'openssl s_client -connect {{ $labels.real_server }} </dev/null | openssl x509 -noout -dates', hold='10m',
        vars=['cluster', 'server'], level='server'
      ),
    ],
  }
