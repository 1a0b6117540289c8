// Core: why?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/core.libsonnet')(config);
  dashboard.new({
    uid: 'core',
    title: 'Core',
    description: 'Why: which core is busy, slow or losing packets, and what of the data plane is full.',
    vars: ['job', 'cluster', 'server', 'core', 'k'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'Cores', height: 10, panels: [[15, panel.table(s.cores)], [9, panel.heatmap(s.latency)]] },
      { title: 'Latency', height: 9, panels: [[8, panel.series(s.p50)], [8, panel.series(s.p99)], [8, panel.series(s.window)]] },
      { title: 'Utilisation', height: 9, panels: [[8, panel.series(s.busy)], [8, panel.series(s.fullPolls)], [8, panel.series(s.packets)]] },
      { title: 'The loop', height: 9, panels: [[8, panel.series(s.loops)], [8, panel.series(s.loopMax)], [8, panel.series(s.slowLoops)]] },
      { title: 'Ports and losses', height: 7, panels: [[24, panel.table(s.ports)]] },
      { height: 9, panels: [[8, panel.series(s.dropped)], [8, panel.series(s.portLoss)], [8, panel.series(s.portPackets)]] },
      { title: 'What fills up', height: 9, panels: [[8, panel.series(s.pools)], [8, panel.series(s.rings)], [8, panel.series(s.connTable)]] },
      { height: 9, panels: [[12, panel.series(s.snat)], [12, panel.series(s.snatMisses)]] },
      { height: 9, panels: [[12, panel.series(s.share)], [12, panel.series(s.snatByCore)]] },
      { title: 'Kernel', height: 9, panels: [[12, panel.series(s.cpus)], [12, panel.series(s.softnet)]] },
    ],
  })
