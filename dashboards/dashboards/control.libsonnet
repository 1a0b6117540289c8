// VRRP and control plane.
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/control.libsonnet')(config);
  local bgp = (import '../signals/bgp.libsonnet')(config);
  dashboard.new({
    uid: 'control',
    title: 'VRRP and control plane',
    description: 'Who is master, does keepalived run, does the control of the data plane answer?',
    vars: ['job', 'cluster', 'server', 'vrrp_instance'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'VRRP', height: 9, panels: [[10, panel.timeline(s.states)], [7, panel.series(s.masters)], [7, panel.series(s.transitions)]] },
      { height: 9, panels: [[8, panel.table(s.addresses)], [8, panel.series(s.priorities)], [8, panel.series(s.adverts)]] },
      { title: 'keepalived', height: 9, panels: [[12, panel.timeline(s.processes)], [12, panel.series(s.reloads)]] },
      { height: 9, panels: [[12, panel.series(s.errors)], [12, panel.series(s.dump)]] },
      { title: 'Shadow mode', height: 9, panels: [[6, panel.series(s.shadow)], [6, panel.series(s.disagreement)], [6, panel.series(s.lead)], [6, panel.series(s.alone)]] },
      { title: 'Control of the data plane', height: 9, panels: [[12, panel.series(s.control)], [12, panel.timeline(s.sync)]] },
      { title: 'Session synchronisation', height: 9, panels: [[8, panel.series(s.sessions)], [8, panel.series(s.lost)], [8, panel.timeline(s.peers)]] },
      { height: 9, panels: [[8, panel.series(s.behind)], [8, panel.series(s.full)], [8, panel.series(s.queues)]] },
      { title: 'Way of control traffic', height: 9, panels: [[12, panel.timeline(s.paths)], [12, panel.series(s.pathDrops)]] },
      { height: 9, panels: [[8, panel.series(s.queueShares)], [8, panel.series(s.kniRings)], [8, panel.series(s.numa)]] },
      { title: 'BGP', height: 9, panels: [[12, panel.timeline(bgp.sessions)], [12, panel.timeline(bgp.paths)]] },
      { height: 9, panels: [[8, panel.series(bgp.planned)], [8, panel.series(bgp.prefixes)], [8, panel.series(bgp.flaps)]] },
    ],
  })
