// NICs, and paths through one NIC. What is named here is what failed; services and real servers behind it stay quiet (alertmanager.yml).
local lib = import '../lib.libsonnet';

function(config)
  local verdict(name, causes='') = 'max by (cluster, server, nic, cause) (fourlane_nic_verdict{%s, verdict="%s"%s}) == 1' % [config.selector, name, causes];
  local alert(a) = lib.alert(config, { level: 'nic', vars: ['cluster', 'server', 'nic'] } + a);
  local why = 'fourlane why nic {{ $labels.nic }}';
  local nicLabels = ['cluster', 'server', 'nic'];
  local off = 'fourlane_service_slice_enabled{cluster=%q, server=%q, nic=%q} == 0';
  local dead = 'max by (service) (fourlane_service_slice_enabled{cluster=%q, server=%q}) == 0';
  local radius = 'Switched off on this NIC: ' + lib.list(off, nicLabels, 'service', 'nothing') +
                 '. Without any NIC on this server: ' + lib.list(dead, ['cluster', 'server'], 'service', 'no service') + '.';
  {
    name: 'fourlane-nic',
    rules: [
      alert({
        name: 'FourlaneNicFault',
        severity: 'critical',
        expr: verdict('NIC_FAIL', ', cause!="upstream"'),
        hold: '0s',
        keep: config.keepFiring,
        summary: 'A NIC of a load balancer has failed.',
        description: 'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged NIC_FAIL, cause {{ $labels.cause }}.',
        impact: radius,
        command: '{{ if eq $labels.cause "carrier" }}ip -s link show dev {{ $labels.nic }}; ethtool {{ $labels.nic }}{{ else }}' + why + '{{ end }}',
      }),
      alert({
        name: 'FourlaneNicUpstreamFault',
        severity: 'critical',
        expr: verdict('NIC_FAIL', ', cause="upstream"'),
        hold: '0s',
        keep: config.keepFiring,
        summary: 'The network behind a NIC of a load balancer has failed while its gateway answers.',
        description: 'Nothing behind the gateway of NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} can be reached: NIC_FAIL, cause upstream.',
        impact: radius,
        command: why,
      }),
      alert({
        name: 'FourlaneNicPartial',
        severity: 'warning',
        expr: verdict('NIC_PARTIAL'),
        hold: '1m',
        keep: config.keepFiring,
        summary: 'Part of the traffic through a NIC is lost.',
        description: 'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged NIC_PARTIAL, cause {{ $labels.cause }}: some real servers, or some packets, do not get through.',
        command: why,
      }),
      alert({
        name: 'FourlaneNicFlapping',
        severity: 'warning',
        expr: verdict('FLAPPING'),
        summary: 'A NIC keeps failing and recovering, and is kept out of service.',
        description: 'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} is judged FLAPPING, cause {{ $labels.cause }}; its services stay switched off on it.',
        impact: radius,
        command: why,
      }),
      alert({
        name: 'FourlanePathFault',
        severity: 'warning',
        expr: 'count by (cluster, server, nic) (fourlane_path_fault{%s} == 1) > 0' % config.selector,
        hold: '5m',
        summary: 'Real servers cannot be reached through one NIC.',
        description: '{{ $value }} real servers fail through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} only (PATH): '
                     + lib.list('fourlane_path_fault{cluster=%q, server=%q, nic=%q} == 1', nicLabels, 'real_server', 'none now') + '. They are out of service on this NIC.',
        command: why,
      }),
      alert({
        name: 'FourlaneProbePathFault',
        severity: 'critical',
        expr: verdict('PROBE_PATH_FAULT'),
        hold: '30s',
        keep: config.keepFiring,
        summary: 'Probes through a NIC fail while its traffic is well.',
        description: 'Checks through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} fail, its data plane carries traffic as before: PROBE_PATH_FAULT. Nothing was switched off.',
        command: why,
      }),
      alert({
        name: 'FourlaneDataPathFault',
        severity: 'critical',
        expr: verdict('DATA_PATH_FAULT'),
        hold: '30s',
        keep: config.keepFiring,
        summary: 'Clients fail through a NIC while its probes are well.',
        description: 'Checks through NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} succeed, connections of clients do not: DATA_PATH_FAULT.',
        command: why,
      }),
    ],
  }
