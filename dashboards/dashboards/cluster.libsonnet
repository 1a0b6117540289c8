// Cluster: which server is bad?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/cluster.libsonnet')(config);
  dashboard.new({
    uid: 'cluster',
    title: 'Cluster',
    description: 'Which load balancer, and which service, is bad? Open it from its table.',
    vars: ['job', 'cluster', 'k'],
    rows: [
      (import '../signals/headline.libsonnet')(config, 'cluster'),
      { title: 'Servers and services', height: 9, panels: [[24, panel.table(s.servers)]] },
      { height: 9, panels: [[14, panel.table(s.services)], [10, panel.series(s.racks)]] },
      { title: 'Capacity and differences', height: 9, panels: [[8, panel.series(s.capacity)], [8, panel.series(s.outliers)], [8, panel.series(s.failover)]] },
      { title: 'Traffic', height: 9, panels: [[8, panel.series(s.connections)], [8, panel.series(s.packets)], [8, panel.series(s.badChecks)]] },
    ],
  })
