// The asynchronous log of the data plane, and our own.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local alert(a) = lib.alert(config, { level: 'logqueue', vars: ['cluster', 'server'] } + a);
  {
    name: 'fourlane-logqueue',
    rules: [
      alert({
        name: 'FourlaneLogQueueBacklog',
        severity: 'warning',
        expr: 'max by (cluster, server, source, queue) (fourlane_log_queue_depth{%(s)s} / (fourlane_log_queue_capacity{%(s)s} > 0)) > %(t)g' % { s: s, t: t.logQueue },
        hold: '30s',
        summary: 'The log queue of the data plane fills up.',
        description: 'Log queue {{ $labels.queue }} of {{ $labels.source }} on ' + where + ' is {{ $value | humanizePercentage }} full. Full, cores drop lines and are throttled.',
        command: 'fourlane collect logqueue --json; iostat -x 1 3',
      }),
      alert({
        name: 'FourlaneLogLinesDropped',
        severity: 'warning',
        expr: |||
          sum by (cluster, server, source) (rate(fourlane_log_queue_dropped_total{%(s)s}[1m])) > 0
          or max by (cluster, server, source) (fourlane_log_slow_mode{%(s)s}) == 1
        ||| % { s: s },
        summary: 'The data plane loses log lines.',
        description: '{{ $labels.source }} on ' + where + ' drops log lines or logs in slow mode: a log storm, or a slow disk.',
        command: 'fourlane collect logqueue --json; iostat -x 1 3',
      }),
      alert({
        name: 'FourlaneOwnLogDropped',
        severity: 'warning',
        expr: 'sum by (cluster, server) (increase(fourlane_log_dropped_total{%s}[10m])) > 0' % s,
        summary: 'The agent loses lines of its own log.',
        description: 'The agent on ' + where + ' dropped {{ $value | humanize }} lines of its log in 10 minutes: who reads its output does not keep up.',
        command: 'systemctl status systemd-journald; journalctl --disk-usage',
        level: 'agent',
      }),
    ],
  }
