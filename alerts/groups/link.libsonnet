// Hardware of NICs and of data-plane ports: bonds, errors, links. Of what is behind a NIC the verdicts page.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local nic = ['cluster', 'server', 'nic'];
  local where = 'NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }}';
  local alert(a) = lib.alert(config, { level: 'nic', vars: nic, severity: 'warning' } + a);
  local frames(direction) = |||
    sum by (cluster, server, nic) (rate(fourlane_nic_%(d)s_errors_total{%(s)s}[5m]))
    / sum by (cluster, server, nic) (rate(fourlane_nic_%(d)s_packets_total{%(s)s}[5m]) > 1) > %(t)g
  ||| % { s: s, d: direction, t: config.thresholds.dropRatio };
  local port = ['cluster', 'server', 'port'];
  // Of DPVS's bonds, those that have lost members; `nic` is the NIC that one is behind, of others the bond itself.
  local dpvsBonds = |||
    sum by (cluster, server, port) (fourlane_dpvs_bond_members{%(s)s, state="active"}) < sum by (cluster, server, port) (fourlane_dpvs_bond_members{%(s)s})
  ||| % { s: s };
  // Not VLANs, whose link is their port's, nor the kernel's side of a port.
  local own = 'port!~".+[.](kni|[0-9]+)"';
  local lost(series, more) = |||
    max by (cluster, server, port) (%(x)s) == 0
    and on (cluster, server, port) max by (cluster, server, port) (max_over_time(%(x)s[1d])) == 1
  ||| % { x: '%s{%s%s}' % [series, s, more] };
  {
    name: 'fourlane-link',
    rules: [
      alert({
        name: 'FourlaneBondDegraded',
        // Of active-backup one member carries traffic, always: there the links of all members count.
        expr: |||
          min by (cluster, server, nic, bond) (fourlane_nic_bond_active_members{%(s)s}) < max by (cluster, server, nic, bond) (fourlane_nic_bond_members{%(s)s})
          unless on (cluster, server, nic, bond) fourlane_nic_bond_info{%(s)s, mode="active-backup"}
          or max by (cluster, server, nic, bond) (fourlane_nic_bond_info{%(s)s, mode="active-backup"})
          * on (cluster, server, nic) group_left () sum by (cluster, server, nic) (fourlane_nic_member_mii{%(s)s, state="up"})
          < max by (cluster, server, nic, bond) (fourlane_nic_bond_members{%(s)s})
          or label_replace(
            group by (cluster, server, port, nic) (fourlane_nic_port_up{%(s)s}) * on (cluster, server, port) group_left () (%(dpvs)s)
            or label_replace((%(dpvs)s) unless on (cluster, server, port) fourlane_nic_port_up{%(s)s}, "nic", "$1", "port", "(.+)"),
            "bond", "$1", "port", "(.+)"
          )
        ||| % { s: s, dpvs: std.stripChars(dpvsBonds, '\n') },
        hold: '1m',
        summary: 'A bond has lost members.',
        description: 'Bond {{ $labels.bond }}{{ if ne $labels.nic (or $labels.port ``) }} of NIC {{ $labels.nic }}{{ end }} of {{ $labels.server }} in cluster {{ $labels.cluster }} has {{ $value }} usable members, fewer than it should.',
        command: '{{ if $labels.port }}dpip link show {{ $labels.port }} -v{{ else }}cat /proc/net/bonding/{{ $labels.bond }}{{ end }}',
      }),
      alert({
        name: 'FourlanePortDown',
        severity: 'critical',
        // Ports behind a NIC have its verdict, members of a bond their own ticket. DPVS names its ports better than DPDK does.
        expr: '(\n' + lost('fourlane_dpvs_port_up', ', ' + own) + |||
          unless on (cluster, server, port) label_replace(max by (cluster, server, member) (fourlane_dpvs_bond_member_active{%(s)s}), "port", "$1", "member", "(.+)")
          or
        ||| % { s: s } + lost('fourlane_dpdk_port_up', '') + |||
          unless on (cluster, server) fourlane_dpvs_info{%(s)s}
          ) unless on (cluster, server, port) fourlane_nic_port_up{%(s)s}
        ||| % { s: s },
        hold: '15s',
        keep: config.keepFiring,
        summary: 'A port of the data plane that is behind no NIC has lost its link.',
        description: 'Port {{ $labels.port }} of {{ $labels.server }} in cluster {{ $labels.cluster }} has no link, and had one within a day. No NIC of the configuration stands for it, so nothing was switched off.',
        command: 'curl -s http://127.0.0.1:9844/metrics | grep port_up; dpip link show {{ $labels.port }}',
        level: 'core',
        vars: port[:2],
      }),
      alert({
        name: 'FourlaneNicErrors',
        expr: frames('rx') + 'or ' + frames('tx'),
        hold: '5m',
        summary: 'A NIC receives or sends damaged frames.',
        description: where + ': {{ $value | humanizePercentage }} of its packets are errors.',
        command: 'ethtool -S {{ $labels.nic }} | grep -i -E "err|crc"; ethtool -m {{ $labels.nic }}',
      }),
    ],
  }
