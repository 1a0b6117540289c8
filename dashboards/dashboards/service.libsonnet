// Service: which real server?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/service.libsonnet')(config);
  dashboard.new({
    uid: 'service',
    title: 'Service',
    description: 'Which real server of a service is bad, how much of the service is in use, and how fast its error budget burns.',
    vars: ['job', 'cluster', 'server', 'service', 'k'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'Real servers', height: 10, panels: [[24, panel.table(s.realServers)]] },
      { height: 10, panels: [[12, panel.table(s.verdicts)], [12, panel.timeline(s.slices)]] },
      { title: 'State', height: 9, panels: [[8, panel.series(s.standing)], [8, panel.series(s.weight)], [8, panel.series(s.burn)]] },
      { title: 'Traffic', height: 9, panels: [[8, panel.series(s.connections)], [8, panel.series(s.active)], [8, panel.series(s.inactive)]] },
      { height: 9, panels: [[12, panel.series(s.packets)], [12, panel.series(s.actual)]] },
      { title: "Clients' addresses", height: 8, panels: [[14, panel.timeline(s.addresses)], [10, panel.series(s.mismatches)]] },
    ],
  })
