// fourlane itself.
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/agent.libsonnet')(config);
  local among = (import '../signals/among.libsonnet')(config);
  dashboard.new({
    uid: 'agent',
    title: 'fourlane itself',
    description: 'Does the agent see, judge and act, and what does it cost?',
    vars: ['job', 'cluster', 'server'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'Does it see?', height: 9, panels: [[6, panel.timeline(s.state)], [6, panel.series(s.lanes)], [6, panel.series(s.heartbeat)], [6, panel.series(s.restarts)]] },
      { height: 9, panels: [[12, panel.table(s.collectors)], [12, panel.table(s.config)]] },
      { title: 'Does it judge and act?', height: 9, panels: [[8, panel.series(s.actions)], [8, panel.series(s.pending)], [8, panel.series(s.blocked)]] },
      { height: 9, panels: [[8, panel.series(s.drift)], [8, panel.series(s.actionTime)], [8, panel.series(s.judge)]] },
      { title: 'Among the others (with an etcd)', height: 9, panels: [[6, panel.timeline(among.release)], [6, panel.series(among.stale)], [6, panel.series(among.evidence)], [6, panel.series(among.budget)]] },
      { title: 'Records and certificates', height: 9, panels: [[12, panel.series(s.lost)], [12, panel.table(s.certificates)]] },
      { title: 'What does it cost?', height: 9, panels: [[6, panel.series(s.cpu)], [6, panel.series(s.memory)], [6, panel.series(s.loop)], [6, panel.series(s.inFlight)]] },
    ],
  })
