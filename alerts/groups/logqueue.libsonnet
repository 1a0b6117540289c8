// The asynchronous log of the data plane, and our own.
local lib = import '../lib.libsonnet';

function(config)
  local s = config.selector;
  local t = config.thresholds;
  local where = '{{ $labels.server }} in cluster {{ $labels.cluster }}';
  local alert(name, severity, expr, summary, description, command, hold=null, level='logqueue') =
    lib.alert(config, name, severity, expr, summary, description, command, level, hold=hold);
  {
    name: 'fourlane-logqueue',
    rules: [
      alert(
        'FourlaneLogQueueBacklog', 'warning',
        'max by (cluster, server, source, queue) (fourlane_log_queue_depth{%(s)s} / (fourlane_log_queue_capacity{%(s)s} > 0)) > %(t)g' % { s: s, t: t.logQueue },
        'The log queue of the data plane fills up.',
        'Log queue {{ $labels.queue }} of {{ $labels.source }} on ' + where + ' is {{ $value | humanizePercentage }} full. Full, cores drop lines and are throttled.',
        'fourlane collect logqueue --json; iostat -x 1 3', '30s'
      ),
      alert(
        'FourlaneLogLinesDropped', 'warning',
        |||
          sum by (cluster, server, source) (rate(fourlane_log_queue_dropped_total{%(s)s}[1m])) > 0
          or max by (cluster, server, source) (fourlane_log_slow_mode{%(s)s}) == 1
        ||| % { s: s },
        'The data plane loses log lines.',
        '{{ $labels.source }} on ' + where + ' drops log lines or logs in slow mode: a log storm, or a slow disk.',
        'fourlane collect logqueue --json; iostat -x 1 3'
      ),
      alert(
        'FourlaneOwnLogDropped', 'warning', 'sum by (cluster, server) (increase(fourlane_log_dropped_total{%s}[10m])) > 0' % s,
        'The agent loses lines of its own log.',
        'The agent on ' + where + ' dropped {{ $value | humanize }} lines of its log in 10 minutes: who reads its output does not keep up.',
        'systemctl status systemd-journald; journalctl --disk-usage', level='agent'
      ),
    ],
  }
