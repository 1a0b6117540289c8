// The first row of every dashboard: is anything wrong with what is selected?
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

// level: cluster or server. @returns a row.
function(config, level='server')
  local sel = select[level];
  local t = config.thresholds;
  local tile(s) = [3, panel.stat(s)];
  {
    height: 4,
    panels: [
      tile({
        title: 'Alerts',
        description: 'Pages and tickets that are firing. Begin with the one whose level is the highest: what it explains is inhibited.',
        unit: 'short',
        expr: 'count(ALERTS{alertname=~"Fourlane.+", alertstate="firing", severity=~"critical|warning", %s}) or vector(0)' % select.recorded[level],
        steps: panel.none,
      }),
      tile({
        title: 'Agents up',
        description: 'Share of agents that Prometheus can scrape. A server whose agent is down forwards on, but its health is not managed.',
        unit: 'percentunit',
        expr: 'avg(up * on (job, instance) group_left (cluster, server) fourlane_build_info{%s})' % sel,
        steps: panel.falling(0.9, 1),
      }),
      tile({
        title: 'NICs up',
        description: 'Share of NICs that are usable: not judged NIC_FAIL or FLAPPING. Open the NIC dashboard for the matrix behind it.',
        unit: 'percentunit',
        expr: 'avg(fourlane_nic_up{%s})' % sel,
        steps: panel.falling(0.9, 1),
      }),
      tile({
        title: 'Services up',
        description: 'Share of services with a real server that is up and a NIC to serve through, over all servers.',
        unit: 'percentunit',
        expr: 'avg(fourlane_service_up{%s})' % sel,
        steps: panel.falling(0.99, 1),
      }),
      tile({
        title: 'Real servers up',
        description: 'Share of real servers that are not judged down, over all services. Open the service dashboard to see which.',
        unit: 'percentunit',
        expr: 'avg(fourlane_real_server_up{%s})' % sel,
        steps: panel.falling(0.8, 0.99),
      }),
      tile({
        title: 'Capacity in use',
        description: 'Share of NICs that services may use. Below %g a server pages, below %g a cluster does.' % [t.serverCapacity, t.clusterCapacity],
        unit: 'percentunit',
        expr: 'avg(fourlane_nic_slice_enabled{%s})' % sel,
        steps: panel.falling(t.serverCapacity, t.clusterCapacity),
      }),
      tile({
        title: 'Bad checks',
        description: 'Share of checks that did not end well in the last minutes. A few are normal while real servers are deployed.',
        unit: 'percentunit',
        decimals: 1,
        expr: 'sum(rate(fourlane_check_results_total{%(s)s, outcome!="ok"}[$__rate_interval])) / sum(rate(fourlane_check_results_total{%(s)s}[$__rate_interval]))' % { s: sel },
        steps: panel.rising(0.05, 0.3),
      }),
      tile({
        title: 'New connections',
        description: 'Connections per second that the data plane scheduled. Nothing is shown when no data plane is read.',
        unit: 'cps',
        expr: 'sum(rate(fourlane_service_connections_total{%s}[$__rate_interval]))' % sel,
      }),
    ],
  }
