// Server: which NIC, service or core?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/server.libsonnet')(config);
  dashboard.new({
    uid: 'server',
    title: 'Server',
    description: 'Which NIC or service of a load balancer is bad? Open it from its table.',
    vars: ['job', 'cluster', 'server', 'k'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'NICs and services', height: 10, panels: [[12, panel.table(s.nics)], [12, panel.table(s.services)]] },
      { title: 'Checks', height: 9, panels: [[8, panel.series(s.cells)], [8, panel.series(s.outcomes)], [8, panel.series(s.verdicts)]] },
      { title: 'Traffic', height: 9, panels: [[8, panel.series(s.connections)], [8, panel.series(s.active)], [8, panel.series(s.traffic)]] },
    ],
  })
