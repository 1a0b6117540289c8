// Service level: which real server? Rate, errors, duration; saturation.
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.service;
  local t = config.thresholds;
  {
    realServers:: {
      title: 'Real servers',
      description: 'Real servers of the selected services, those that are down first. Kept out, at its limit: the data plane gives it nothing new. Ask `fourlane why rs` for the evidence.',
      by: [['server', 'Server'], ['service', 'Service'], ['real_server', 'Real server'], ['rack', 'Rack']],
      sort: 'Up',
      desc: false,
      columns: [
        { title: 'Up', unit: 'short', expr: 'min by (server, service, real_server, rack) (fourlane_real_server_up{%s})' % sel, mappings: panel.words('down', 'up'), steps: panel.falling(1, 1) },
        { title: 'Weight in use', unit: 'short', expr: 'sum by (server, service, real_server) (fourlane_real_server_weight{%s, kind="wanted"})' % sel },
        { title: 'Weight configured', unit: 'short', expr: 'sum by (server, service, real_server) (fourlane_real_server_weight{%s, kind="configured"})' % sel },
        { title: 'Established', unit: 'short', expr: 'sum by (server, service, real_server) (fourlane_real_server_active_connections{%s})' % sel },
        { title: 'Kept out', unit: 'short', expr: 'max by (server, service, real_server) (fourlane_real_server_inhibited{%s})' % sel, mappings: panel.words('no', 'yes', 'transparent', 'orange'), steps: panel.none },
        { title: 'At its limit', unit: 'short', expr: 'max by (server, service, real_server) (fourlane_real_server_overloaded{%s})' % sel, mappings: panel.words('no', 'yes', 'transparent', 'orange'), steps: panel.none },
      ],
    },
    verdicts:: {
      title: 'Verdicts now',
      description: 'Real servers that are not OK, with verdict and cause. unreachable: network or host; refused: the process; l7: its answers.',
      by: [['server', 'Server'], ['service', 'Service'], ['real_server', 'Real server'], ['verdict', 'Verdict'], ['cause', 'Cause']],
      sort: 'Real server',
      desc: false,
      facts: true,
      none: 'Every real server is OK.',
      columns: [
        { title: 'Judged', unit: 'short', expr: 'max by (server, service, real_server, verdict, cause) (fourlane_real_server_verdict{%s})' % sel },
      ],
    },
    standing:: {
      title: 'Real servers by state',
      description: "down: judged down and out of service. held: judged down, kept in service by panic or a limit: look at the headline's alerts.",
      unit: 'short',
      min: 0,
      stack: true,
      expr: 'sum by (state) (fourlane_service_real_servers{%s})' % sel,
      legend: '{{state}}',
      colours: { up: 'green', down: 'red', held: 'orange' },
    },
    weight:: {
      title: 'Weight in use',
      description: 'Share of the configured weight that the agent wants in use. Below %g it becomes a ticket.' % t.serviceCapacity,
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'bottomk($k, sum by (server, service) (fourlane_real_server_weight{%s, kind="wanted"}) / sum by (server, service) (fourlane_real_server_weight{%s, kind="configured"}))' % [sel, sel],
      legend: '{{server}} {{service}}',
      low: true,
      steps: panel.falling(t.serviceCapacity, 0.8),
    },
    burn:: {
      title: 'Error budget burn',
      description: 'How many times faster than allowed the error budget burns: 1 uses it up in %d days. 14.4 pages within minutes, 6 within a quarter of an hour.' % config.slo.days,
      unit: 'short',
      min: 0,
      expr: [
        ['max by (service) (cluster_service:fourlane_unavailable:ratio_%s{%s}) / %g' % [w, select.recorded.service, 1 - config.slo.objective], '{{service}} ' + w]
        for w in ['5m', '1h', '6h']
      ],
      steps: panel.rising(6, 14.4),
    },
    slices:: {
      title: 'NICs that serve the service',
      description: 'Whether the service is served through the NIC. A NIC that is off was judged failed, or the path through it.',
      unit: 'short',
      expr: 'min by (server, service, nic) (fourlane_service_slice_enabled{%s})' % sel,
      legend: '{{server}} {{nic}} {{service}}',
      mappings: panel.words('off', 'on'),
    },
    connections:: {
      title: 'New connections by real server',
      description: 'Connections per second that the data plane scheduled to the busiest real servers. Very unequal: scheduler, weights or persistence.',
      unit: 'cps',
      min: 0,
      expr: 'topk($k, sum by (real_server) (rate(fourlane_real_server_connections_total{%s}[$__rate_interval])))' % sel,
      legend: '{{real_server}}',
    },
    active:: {
      title: 'Established connections by real server',
      description: 'Established connections of the real servers that have most.',
      unit: 'short',
      min: 0,
      expr: 'topk($k, sum by (real_server) (fourlane_real_server_active_connections{%s}))' % sel,
      legend: '{{real_server}}',
    },
    inactive:: {
      title: 'Other connections by real server',
      description: 'Connections opening, closing or half open. A pile on one real server: it does not complete handshakes.',
      unit: 'short',
      min: 0,
      expr: 'topk($k, sum by (real_server) (fourlane_real_server_inactive_connections{%s}))' % sel,
      legend: '{{real_server}}',
    },
    packets:: {
      title: 'Packets by direction',
      description: 'Packets per second to clients above, from clients below.',
      unit: 'pps',
      expr: [
        ['sum by (service) (rate(fourlane_service_packets_total{%s, direction="out"}[$__rate_interval]))' % sel, '{{service}} out'],
        ['sum by (service) (rate(fourlane_service_packets_total{%s, direction="in"}[$__rate_interval]))' % sel, '{{service}} in'],
      ],
      mirrored: '/ in$/',
    },
    addresses:: {
      title: "Clients' addresses",
      description: 'Whether real servers get the address of clients as declared, by the slow verification. vip: through the VIP. Lost: they serve, and log wrong addresses; `fourlane why rs` has what was seen.',
      unit: 'short',
      expr: 'min by (server, service, real_server, way) (fourlane_passthrough_ok{%s})' % sel,
      legend: '{{server}} {{service}} {{way}} {{real_server}}',
      mappings: panel.words('lost', 'arrives'),
    },
    mismatches:: {
      title: 'What verifications found',
      description: 'Real servers that do not get the address of clients, by cause, and those that could not be verified: no answer, no echo, or the VIP is on the server that asked.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server, service, finding, cause) (fourlane_passthrough_finding{%s})' % sel, '{{server}} {{service}} {{finding}} {{cause}}'],
        ['sum by (server, service, way) (fourlane_passthrough_unverified_real_servers{%s})' % sel, '{{server}} {{service}} {{way}} not seen'],
      ],
    },
    actual:: {
      title: 'Weight: wanted and in the data plane',
      description: 'Weights the agent wants, and those the data plane has. They differ for long: somebody else changes weights, or actions fail.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (service) (fourlane_real_server_weight{%s, kind="wanted"})' % sel, '{{service}} wanted'],
        ['sum by (service, source) (fourlane_real_server_actual_weight{%s})' % sel, '{{service}} {{source}}'],
      ],
    },
  }
