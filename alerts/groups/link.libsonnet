// Hardware of NICs as the kernel tells: bonds, errors. Tickets: the verdicts page.
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
        ||| % { s: s },
        hold: '1m',
        summary: 'A bond has lost members.',
        description: 'Bond {{ $labels.bond }} of NIC {{ $labels.nic }} of {{ $labels.server }} in cluster {{ $labels.cluster }} has {{ $value }} usable members, fewer than it should.',
        command: 'cat /proc/net/bonding/{{ $labels.bond }}',
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
