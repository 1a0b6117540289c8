// NIC level: what failed, and how is it known? The matrix over time, verdicts, lanes.
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';
local verdicts = import '../verdicts.libsonnet';

function(config)
  local sel = select.nic;
  {
    verdicts:: {
      title: 'Verdicts',
      description: 'The verdict that holds for each NIC over time. `fourlane why nic` shows the witnesses behind it.',
      unit: 'short',
      legend: '{{server}} {{nic}}',
    } + panel.states('fourlane_nic_verdict', sel, 'verdict', 'server, nic', verdicts.nic),
    present:: {
      title: 'Verdicts now',
      description: 'NICs that are not OK, with verdict and cause. carrier: cable, optic, switch port; link: gateway and real servers dead; upstream: behind the gateway.',
      by: [['server', 'Server'], ['nic', 'NIC'], ['verdict', 'Verdict'], ['cause', 'Cause']],
      sort: 'NIC',
      desc: false,
      facts: true,
      none: 'Every NIC is OK.',
      columns: [{ title: 'Judged', unit: 'short', expr: 'max by (server, nic, verdict, cause) (fourlane_nic_verdict{%s, verdict!="OK"}) == 1' % sel }],
    },
    inService:: {
      title: 'In service',
      description: 'Whether services may use the NIC. It comes back after its hold-down, longer each time it fails again.',
      unit: 'short',
      expr: 'min by (server, nic) (fourlane_nic_slice_enabled{%s})' % sel,
      legend: '{{server}} {{nic}}',
      mappings: panel.words('off', 'on'),
    },
    carrier:: {
      title: 'Carrier',
      description: 'Whether the link has carrier, as the kernel says. Lost carrier: optics, cable, switch port.',
      unit: 'short',
      expr: 'min by (server, nic) (fourlane_nic_carrier{%s})' % sel,
      legend: '{{server}} {{nic}}',
      mappings: panel.words('lost', 'yes'),
    },
    matrix:: {
      title: 'Cells that are good, by NIC',
      description: "The matrix of NICs and real servers over time: share of a NIC's cells that are good. One NIC low: that NIC. All low together: real servers.",
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'sum by (server, nic) (fourlane_lane_cells{%s, state="ok"}) / sum by (server, nic) (fourlane_lane_cells{%s})' % [sel, sel],
      legend: '{{server}} {{nic}}',
      low: true,
    },
    linkFail:: {
      title: 'Cells whose link fails',
      description: 'Cells where the real server cannot be reached through the NIC. These count against the NIC; wrong answers never do.',
      unit: 'short',
      min: 0,
      expr: 'sum by (server, nic) (fourlane_lane_cells{%s, state="link_fail"})' % sel,
      legend: '{{server}} {{nic}}',
    },
    timeouts:: {
      title: 'Checks that time out',
      description: 'Share of checks that time out. A steady share between 0 and 1: a member of the bond, or one path of ECMP.',
      unit: 'percentunit',
      min: 0,
      expr: 'sum by (server, nic) (rate(fourlane_check_results_total{%s, outcome="timeout"}[$__rate_interval])) / sum by (server, nic) (rate(fourlane_check_results_total{%s}[$__rate_interval]))' % [sel, sel],
      legend: '{{server}} {{nic}}',
    },
    p99:: {
      title: 'Check duration, 99th percentile',
      description: 'Handshake or answer time of checks. Rising through one NIC only: a queue on its path.',
      unit: 's',
      min: 0,
      expr: 'histogram_quantile(0.99, sum by (server, nic, le) (rate(fourlane_check_duration_seconds_bucket{%s}[$__rate_interval])))' % sel,
      legend: '{{server}} {{nic}}',
    },
    durations:: {
      title: 'Check durations',
      description: 'All checks through the selected NICs by duration. Two bands: two paths of different length.',
      unit: 's',
      expr: 'sum by (le) (increase(fourlane_check_duration_seconds_bucket{%s}[$__rate_interval]))' % sel,
      legend: '{{le}}',
    },
    late:: {
      title: 'Checks that start late',
      description: '99th percentile of lateness. Above a quarter of the interval, results are not believed and the agent freezes: give it processor time.',
      unit: 's',
      min: 0,
      expr: 'histogram_quantile(0.99, sum by (server, nic, le) (rate(fourlane_check_late_seconds_bucket{%s}[$__rate_interval])))' % sel,
      legend: '{{server}} {{nic}}',
    },
    rate:: {
      title: 'Checks',
      description: 'Checks per second through each NIC. A NIC that falls behind the others is not being probed as configured.',
      unit: 'cps',
      min: 0,
      expr: 'sum by (server, nic) (rate(fourlane_check_results_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{nic}}',
    },
    paths:: {
      title: 'Paths that fail',
      description: 'Real servers that fail through this NIC only. They are out of service on this NIC and served through the others.',
      by: [['server', 'Server'], ['nic', 'NIC'], ['real_server', 'Real server'], ['cause', 'Cause']],
      sort: 'NIC',
      desc: false,
      facts: true,
      none: 'No path fails.',
      columns: [{ title: 'Judged', unit: 'short', expr: 'max by (server, nic, real_server, cause) (fourlane_path_fault{%s}) == 1' % sel }],
    },
    changes:: {
      title: 'Changes of carrier',
      description: 'Changes in the last interval. More than a few: a bad cable or optic, or a switch port that flaps.',
      unit: 'short',
      expr: 'sum by (server, nic) (increase(fourlane_nic_carrier_changes_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{nic}}',
    },
    devices:: {
      title: 'Devices',
      description: "The kernel's view of each NIC's device. A speed below its siblings' is a bad cable or a forced port; admin off: somebody took it down. Members: of its bond, in use; LACP: whether the switch answers.",
      by: [['server', 'Server'], ['nic', 'NIC']],
      sort: 'Carrier lost',
      columns: [
        { title: 'Admin', unit: 'short', expr: 'min by (server, nic) (fourlane_nic_admin_up{%s})' % sel, mappings: panel.words('off', 'on', 'orange'), steps: panel.falling(1, 1) },
        { title: 'Works', unit: 'short', expr: 'max by (server, nic) (fourlane_nic_operstate{%s, state=~"up|unknown"})' % sel, mappings: panel.words('no', 'yes'), steps: panel.falling(1, 1) },
        { title: 'Speed', unit: 'bps', expr: '8 * max by (server, nic) (fourlane_nic_speed_bytes_per_second{%s})' % sel },
        { title: 'Carrier lost', unit: 'short', decimals: 0, expr: 'sum by (server, nic) (increase(fourlane_nic_carrier_losses_total{%s}[$__range]))' % sel, steps: panel.rising(1, 4) },
        { title: 'Members', unit: 'short', expr: 'sum by (server, nic) (fourlane_nic_member_active{%s})' % sel },
        { title: 'LACP', unit: 'short', expr: 'min by (server, nic) (fourlane_nic_bond_lacp_partner{%s})' % sel, mappings: panel.words('none', 'yes'), steps: panel.falling(1, 1) },
      ],
    },
    traffic:: {
      title: 'Traffic of the device',
      description: 'Bits per second sent above, received below. Nothing received while the others receive: routes or the switch.',
      unit: 'bps',
      expr: [
        ['8 * sum by (server, nic) (rate(fourlane_nic_tx_bytes_total{%s}[$__rate_interval]))' % sel, '{{server}} {{nic}} out'],
        ['8 * sum by (server, nic) (rate(fourlane_nic_rx_bytes_total{%s}[$__rate_interval]))' % sel, '{{server}} {{nic}} in'],
      ],
      mirrored: '/ in$/',
    },
    losses:: {
      title: 'Losses of the device',
      description: 'Bad, dropped and missed packets per second. CRC: cable, optic or switch port. Missed: the receive ring was full.',
      unit: 'pps',
      min: 0,
      expr: [
        ['sum by (server, nic) (rate(fourlane_nic_%s_total{%s}[$__rate_interval]))' % [c[0], sel], '{{server}} {{nic}} ' + c[1]]
        for c in [['rx_errors', 'errors in'], ['rx_crc_errors', 'CRC'], ['rx_missed', 'missed'], ['rx_dropped', 'dropped in'], ['tx_dropped', 'dropped out'], ['tx_errors', 'errors out']]
      ],
    },
    members:: {
      title: 'Members of bonds',
      description: 'Whether traffic leaves by the member. A member that is out: its link, or LACP at the other end (`fourlane collect nic`).',
      unit: 'short',
      expr: 'max by (server, nic, member) (fourlane_nic_member_active{%s})' % sel,
      legend: '{{server}} {{nic}} {{member}}',
      mappings: panel.words('out', 'in use', 'orange', 'green'),
    },
  }
