// NIC level: what failed, and how is it known? The matrix over time, verdicts, lanes.
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.nic;
  {
    verdicts:: {
      title: 'Verdicts',
      description: 'The verdict that holds for each NIC, with its cause. `fourlane why nic` shows the witnesses behind it.',
      unit: 'short',
      expr: 'max by (server, nic, verdict, cause) (fourlane_nic_verdict{%s, verdict!="OK"}) or 0 * max by (server, nic) (fourlane_nic_up{%s})' % [sel, sel],
      legend: '{{server}} {{nic}} {{verdict}} {{cause}}',
      mappings: panel.words('–', 'holds', 'transparent', 'red'),
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
      description: 'The matrix of NICs and real servers over time: share of a NIC\'s cells that are good. One NIC low: that NIC. All low together: real servers.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'sum by (server, nic) (fourlane_lane_cells{%s, state="ok"}) / sum by (server, nic) (fourlane_lane_cells{%s})' % [sel, sel],
      legend: '{{server}} {{nic}}',
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
      columns: [{ title: 'Judged', unit: 'short', expr: 'max by (server, nic, real_server, cause) (fourlane_path_fault{%s})' % sel, mappings: panel.words('–', 'PATH') }],
    },
    changes:: {
      title: 'Changes of carrier',
      description: 'Changes in the last interval. More than a few: a bad cable or optic, or a switch port that flaps.',
      unit: 'short',
      expr: 'sum by (server, nic) (increase(fourlane_nic_carrier_changes_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{nic}}',
    },
  }
