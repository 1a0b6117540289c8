// NIC and attribution: what failed, and how is it known?
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/nic.libsonnet')(config);
  dashboard.new({
    uid: 'nic',
    title: 'NIC and attribution',
    description: 'What failed: the NIC, the network behind it, a path, or the real servers? The matrix of checks over time and what was judged from it.',
    vars: ['job', 'cluster', 'server', 'nic'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'Verdicts', height: 9, panels: [[10, panel.timeline(s.verdicts)], [7, panel.timeline(s.inService)], [7, panel.timeline(s.carrier)]] },
      { height: 7, panels: [[8, panel.table(s.present)], [8, panel.table(s.paths)], [8, panel.series(s.changes)]] },
      { title: 'The matrix over time', height: 9, panels: [[8, panel.series(s.matrix)], [8, panel.series(s.linkFail)], [8, panel.series(s.timeouts)]] },
      { title: 'The device', height: 9, panels: [[12, panel.table(s.devices)], [12, panel.timeline(s.members)]] },
      { height: 9, panels: [[12, panel.series(s.traffic)], [12, panel.series(s.losses)]] },
      { title: 'Checks', height: 9, panels: [[12, panel.heatmap(s.durations)], [12, panel.series(s.p99)]] },
      { height: 9, panels: [[12, panel.series(s.rate)], [12, panel.series(s.late)]] },
    ],
  })
