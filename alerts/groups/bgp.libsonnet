// BGP: daemons, sessions, BFD, and what is announced. What is shut on purpose is no fault.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local peer = '{{ $labels.peer }}{{ with $labels.nic }} (NIC {{ . }}){{ end }}';
  local alert(a) = lib.alert(config, { level: 'control', vars: ['cluster', 'server'] } + a);
  local labels = 'cluster, server, nic, peer';
  local notShut = 'unless on (%s) max by (%s) (fourlane_bgp_session_state{%s, state="admin_down"}) == 1' % [labels, labels, s];
  // Every session over a NIC is shut here: somebody has taken the server out.
  local notDrained = 'unless on (cluster, server) min by (cluster, server) (fourlane_bgp_session_state{%s, nic!="", state="admin_down"}) == 1' % s;
  {
    name: 'fourlane-bgp',
    rules: [
      alert({
        name: 'FourlaneBgpDaemonDown',
        severity: 'critical',
        expr: 'min by (cluster, server, daemon) (fourlane_bgp_daemon_up{%s}) == 0' % s,
        hold: '20s',
        keep: config.keepFiring,
        summary: 'A routing daemon does not answer.',
        description: '{{ $labels.daemon }} on ' + where + ' has a socket and does not answer: it has ended, or hangs. A hung bgpd keeps its sessions until the hold time is over.',
        command: 'fourlane collect bgp; systemctl status frr bird',
      }),
      alert({
        name: 'FourlaneBgpAllSessionsDown',
        severity: 'critical',
        expr: 'max by (cluster, server) (fourlane_bgp_session_up{%s, nic!=""}) == 0 %s' % [s, notDrained],
        hold: '10s',
        keep: config.keepFiring,
        summary: 'A load balancer has no BGP session over its NICs.',
        description: 'No session over a NIC of ' + where + ' is established: no router sends it anything.',
        command: 'fourlane collect bgp --metrics; ip -br link',
      }),
      alert({
        name: 'FourlaneBgpSessionDown',
        severity: 'warning',
        expr: 'min by (%s) (fourlane_bgp_session_up{%s}) == 0 %s' % [labels, s, notShut],
        hold: '30s',
        summary: 'A BGP session is down.',
        description: 'The session of ' + where + ' with ' + peer + ' is not established, or does not carry its family.',
        command: 'fourlane collect bgp --metrics',
      }),
      alert({
        name: 'FourlaneBgpLeftShut',
        severity: 'warning',
        expr: |||
          max by (%(l)s) (fourlane_bgp_session_state{%(s)s, nic!="", state="admin_down"}) == 1
          unless on (cluster, server, nic) min by (cluster, server, nic) (fourlane_nic_up{%(s)s}) == 0
        ||| % { l: labels, s: s },
        hold: '1h',
        summary: 'A BGP session has been shut for an hour, and its NIC is well.',
        description: 'The session of ' + where + ' with ' + peer + ' is shut here, and nothing is judged of its NIC: by a drain or an operator, perhaps forgotten.',
        command: 'fourlane collect bgp; fourlane bgp restore --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlaneBfdDownSessionUp',
        severity: 'critical',
        expr: |||
          min by (%(l)s) (fourlane_bfd_session_up{%(s)s}) == 0
          and on (%(l)s) min by (%(l)s) (fourlane_bgp_session_up{%(s)s}) == 1
        ||| % { l: labels, s: s },
        hold: '10s',
        keep: config.keepFiring,
        summary: 'BFD is down under a BGP session that is up.',
        description: 'BFD of ' + where + ' with ' + peer + ' is down while the session is established: routes point into a path that loses packets.',
        command: 'fourlane why nic {{ $labels.nic }}; fourlane collect bgp --metrics',
      }),
      alert({
        name: 'FourlanePrefixMissing',
        severity: 'critical',
        expr: 'max by (cluster, server, prefix, level) (fourlane_bgp_prefix_announced{%s, level=~"server|vip"}) == 0 %s' % [s, notDrained],
        hold: '30s',
        keep: config.keepFiring,
        summary: 'A planned prefix is announced to no router.',
        description: '{{ $labels.prefix }} ({{ $labels.level }}) of ' + where + ' is announced to no uplink.',
        command: 'fourlane collect bgp --metrics; fourlane plan snat --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlanePrefixIncomplete',
        severity: 'warning',
        expr: 'min by (%s, prefix, level) (fourlane_bgp_prefix_announced{%s}) == 0 %s' % [labels, s, notShut],
        hold: '1m',
        summary: 'A planned prefix is not announced to one of its routers.',
        description: '{{ $labels.prefix }} ({{ $labels.level }}) of ' + where + ' is not announced to ' + peer + '.',
        command: 'fourlane collect bgp --metrics; fourlane plan snat --config /etc/fourlane.yaml',
      }),
      alert({
        name: 'FourlanePrefixLeak',
        severity: 'critical',
        expr: 'max by (%s) (fourlane_bgp_unplanned_prefixes{%s}) > 0' % [labels, s],
        hold: '1m',
        keep: config.keepFiring,
        summary: 'A load balancer announces prefixes that are not planned.',
        description: '{{ $value }} prefixes beyond the plan are announced by ' + where + ' to ' + peer + '.',
        command: 'fourlane collect bgp',
      }),
      alert({
        name: 'FourlaneBgpFlapping',
        severity: 'warning',
        expr: 'sum by (%s) (increase(fourlane_bgp_session_flaps_total{%s}[15m])) >= 4' % [labels, s],
        summary: 'A BGP session keeps ending.',
        description: 'The session of ' + where + ' with ' + peer + ' ended {{ $value | humanize }} times in 15 minutes.',
        command: 'fourlane collect bgp --metrics',
      }),
    ],
  }
