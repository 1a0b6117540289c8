// Server level: which NIC, service or core of this server?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.server;
  local t = config.thresholds;
  {
    nics:: {
      title: 'NICs',
      description: 'One row per NIC. A NIC that is down or off names itself; open it for its cells and its verdicts.',
      by: [['server', 'Server'], ['nic', 'NIC', dashboard.drill('nic', ['job', 'cluster'], ['server', 'nic'])]],
      sort: 'Up',
      desc: false,
      columns: [
        { title: 'Up', unit: 'short', expr: 'min by (server, nic) (fourlane_nic_up{%s})' % sel, mappings: panel.words('down', 'up'), steps: panel.falling(1, 1) },
        { title: 'In service', unit: 'short', expr: 'min by (server, nic) (fourlane_nic_slice_enabled{%s})' % sel, mappings: panel.words('off', 'on', 'orange'), steps: panel.falling(1, 1) },
        { title: 'Carrier', unit: 'short', expr: 'min by (server, nic) (fourlane_nic_carrier{%s})' % sel, mappings: panel.words('lost', 'yes'), steps: panel.falling(1, 1) },
        { title: 'Cells ok', unit: 'percentunit', expr: 'sum by (server, nic) (fourlane_lane_cells{%s, state="ok"}) / sum by (server, nic) (fourlane_lane_cells{%s})' % [sel, sel], steps: panel.falling(0.5, 0.95) },
        { title: 'Paths failed', unit: 'short', expr: 'count by (server, nic) (fourlane_path_fault{%s} == 1) or 0 * sum by (server, nic) (fourlane_nic_up{%s})' % [sel, sel], steps: panel.rising(1, 10) },
      ],
    },
    services:: {
      title: 'Services',
      description: 'Services of the selected servers, those that are down first. Open one for its real servers.',
      by: [['server', 'Server'], ['service', 'Service', dashboard.drill('service', ['job', 'cluster'], ['server', 'service'])]],
      sort: 'Up',
      desc: false,
      columns: [
        { title: 'Up', unit: 'short', expr: 'min by (server, service) (fourlane_service_up{%s})' % sel, mappings: panel.words('down', 'up'), steps: panel.falling(1, 1) },
        { title: 'Real servers up', unit: 'percentunit', expr: 'sum by (server, service) (fourlane_service_real_servers{%s, state="up"}) / sum by (server, service) (fourlane_service_real_servers{%s})' % [sel, sel], steps: panel.falling(t.serviceCapacity, 1) },
        { title: 'NICs', unit: 'percentunit', expr: 'avg by (server, service) (fourlane_service_slice_enabled{%s})' % sel, steps: panel.falling(0.5, 1) },
        { title: 'Panic', unit: 'short', expr: 'max by (server, service) (fourlane_service_panic{%s})' % sel, mappings: panel.words('no', 'yes', 'transparent', 'red'), steps: panel.none },
      ],
    },
    connections:: {
      title: 'New connections by service',
      description: 'Connections per second of the busiest services, as the data plane counts them.',
      unit: 'cps',
      min: 0,
      expr: 'topk($k, sum by (server, service) (rate(fourlane_service_connections_total{%s}[$__rate_interval])))' % sel,
      legend: '{{server}} {{service}}',
    },
    active:: {
      title: 'Established connections by service',
      description: 'Established connections of the busiest services. Falling while new connections rise: clients give up early.',
      unit: 'short',
      min: 0,
      expr: 'topk($k, sum by (server, service) (fourlane_service_active_connections{%s}))' % sel,
      legend: '{{server}} {{service}}',
    },
    traffic:: {
      title: 'Traffic',
      description: 'Bits per second through all services: to clients above, from clients below. No line to clients: replies do not pass (DR, TUN).',
      unit: 'bps',
      expr: [
        ['8 * sum by (server) (rate(fourlane_service_bytes_total{%s, direction="out"}[$__rate_interval]))' % sel, '{{server}} out'],
        ['8 * sum by (server) (rate(fourlane_service_bytes_total{%s, direction="in"}[$__rate_interval]))' % sel, '{{server}} in'],
      ],
      mirrored: '/ in$/',
    },
    cells:: {
      title: 'Checks by state',
      description: 'Pairs of NIC and real server. link_fail: the link to the real server; service_fail: the link is good, the service is not; unknown: not enough results to tell.',
      unit: 'short',
      min: 0,
      stack: true,
      expr: 'sum by (state) (fourlane_lane_cells{%s})' % sel,
      legend: '{{state}}',
      colours: { ok: 'green', link_fail: 'red', service_fail: 'orange', unknown: 'blue' },
    },
    outcomes:: {
      title: 'Bad checks by outcome',
      description: 'Checks per second that did not end well. timeout: network; refused: the real server runs and does not listen; l7: it answers wrongly.',
      unit: 'cps',
      min: 0,
      expr: 'sum by (outcome) (rate(fourlane_check_results_total{%s, outcome!="ok"}[$__rate_interval]))' % sel,
      legend: '{{outcome}}',
    },
    verdicts:: {
      title: 'Verdicts',
      description: 'Changes to each verdict in the last interval. The status page and the evidence log have each one with its reason.',
      unit: 'short',
      expr: 'sum by (server, subject, verdict) (increase(fourlane_verdict_changes_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{subject}} {{verdict}}',
    },
  }
