// NICs, and paths through one NIC. What is named here is what failed; services and real servers behind it stay quiet (alertmanager.yml).
local lib = import '../lib.libsonnet';

function(config)
  local verdict(name, causes='') = 'max by (cluster, server, nic, cause) (fourlane_nic_verdict{%s, verdict="%s"%s}) == 1' % [config.selector, name, causes];
  local alert(name, severity, expr, summary, description, command, impact=null, hold=null, keep=null) =
    lib.alert(config, name, severity, expr, summary, description, command, 'nic', ['cluster', 'server', 'nic'], impact, hold, keep);
  local why = 'fourlane why nic {{ $labels.nic }}';
  local nicLabels = ['cluster', 'server', 'nic'];
  local off = 'fourlane_service_slice_enabled{cluster=%q, server=%q, nic=%q} == 0';
  local dead = 'max by (service) (fourlane_service_slice_enabled{cluster=%q, server=%q}) == 0';
  local radius = 'Switched off on this NIC: ' + lib.list(off, nicLabels, 'service', 'nothing') +
                 '. Without any NIC on this server: ' + lib.list(dead, ['cluster', 'server'], 'service', 'no service') + '.';
  {
    name: 'fourlane-nic',
    rules: [
      alert(
        'FourlaneNicFault', 'critical', verdict('NIC_FAIL', ', cause!="upstream"'),
        'A NIC of a load balancer has failed.',
        'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged NIC_FAIL, cause {{ $labels.cause }}.',
        '{{ if eq $labels.cause "carrier" }}ip -s link show dev {{ $labels.nic }}; ethtool {{ $labels.nic }}{{ else }}' + why + '{{ end }}',
        radius, '0s', config.keepFiring
      ),
      alert(
        'FourlaneNicUpstreamFault', 'critical', verdict('NIC_FAIL', ', cause="upstream"'),
        'The network behind a NIC of a load balancer has failed while its gateway answers.',
        'Nothing behind the gateway of NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} can be reached: NIC_FAIL, cause upstream.',
        why, radius, '0s', config.keepFiring
      ),
      alert(
        'FourlaneNicPartial', 'warning', verdict('NIC_PARTIAL'),
        'Part of the traffic through a NIC is lost.',
        'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged NIC_PARTIAL, cause {{ $labels.cause }}: some real servers, or some packets, do not get through.',
        why, hold='1m', keep=config.keepFiring
      ),
      alert(
        'FourlaneNicFlapping', 'warning', verdict('FLAPPING'),
        'A NIC keeps failing and recovering, and is kept out of service.',
        'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged FLAPPING, cause {{ $labels.cause }}; its services stay switched off on it.',
        why, radius
      ),
      alert(
        'FourlanePathFault', 'warning',
        'count by (cluster, server, nic) (fourlane_path_fault{%s} == 1) > 0' % config.selector,
        'Real servers cannot be reached through one NIC.',
        '{{ $value }} real servers fail through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} only (PATH): '
        + lib.list('fourlane_path_fault{cluster=%q, server=%q, nic=%q} == 1', nicLabels, 'real_server', 'none now') + '. They are out of service on this NIC.',
        why, hold='5m'
      ),
      alert(
        'FourlaneProbePathFault', 'critical', verdict('PROBE_PATH_FAULT'),
        'Probes through a NIC fail while its traffic is well.',
        'Checks through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} fail, its data plane carries traffic as before: PROBE_PATH_FAULT. Nothing was switched off.',
        why, hold='30s', keep=config.keepFiring
      ),
      alert(
        'FourlaneDataPathFault', 'critical', verdict('DATA_PATH_FAULT'),
        'Clients fail through a NIC while its probes are well.',
        'Checks through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} succeed, connections of clients do not: DATA_PATH_FAULT.',
        why, hold='30s', keep=config.keepFiring
      ),
    ],
  }
