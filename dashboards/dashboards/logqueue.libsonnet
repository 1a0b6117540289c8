// Log queue.
local dashboard = import '../lib/dashboard.libsonnet';
local panel = import '../lib/panel.libsonnet';

function(config)
  local s = (import '../signals/logqueue.libsonnet')(config);
  dashboard.new({
    uid: 'logqueue',
    title: 'Log queue',
    description: 'The asynchronous log of the data plane: does it keep up, which core floods it, what is lost?',
    vars: ['job', 'cluster', 'server'],
    rows: [
      (import '../signals/headline.libsonnet')(config),
      { title: 'Does it keep up?', height: 9, panels: [[8, panel.series(s.filled)], [8, panel.series(s.lag)], [8, panel.series(s.highest)]] },
      { title: 'Who floods it, and what is lost?', height: 9, panels: [[8, panel.series(s.enqueued)], [8, panel.series(s.dropped)], [8, panel.timeline(s.throttled)]] },
      { title: 'The writer and its file', height: 9, panels: [[8, panel.series(s.written)], [8, panel.series(s.pool)], [8, panel.timeline(s.slowMode)]] },
      { height: 9, panels: [[12, panel.series(s.types)], [12, panel.series(s.trouble)]] },
    ],
  })
