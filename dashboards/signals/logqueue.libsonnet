// The asynchronous log queue of the data plane, and its log file.
local panel = import '../lib/panel.libsonnet';
local select = import '../lib/select.libsonnet';

function(config)
  local sel = select.server;
  local t = config.thresholds;
  {
    filled:: {
      title: 'Queue filled',
      description: 'Share of the log queue that waits. Above %g it becomes a ticket; full, cores drop lines and are throttled for 10 minutes.' % t.logQueue,
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'max by (server, source, queue) (fourlane_log_queue_depth{%s} / (fourlane_log_queue_capacity{%s} > 0))' % [sel, sel],
      legend: '{{server}} {{source}} {{queue}}',
      steps: panel.rising(t.logQueue / 2, t.logQueue),
    },
    highest:: {
      title: 'Most that ever waited',
      description: 'Greatest depth since the process started, as share of the queue: how near it came while nobody looked.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: 'max by (server, source, queue) (fourlane_log_queue_highest_depth{%s} / (fourlane_log_queue_capacity{%s} > 0))' % [sel, sel],
      legend: '{{server}} {{source}} {{queue}}',
    },
    lag:: {
      title: 'Lag of the writer',
      description: 'Age of the line that was written last. It rises before the queue is full: the disk is slow, or the log core has no time.',
      unit: 's',
      min: 0,
      expr: [
        ['max by (server, source, queue) (fourlane_log_queue_writer_lag_seconds{%s})' % sel, '{{server}} {{source}} {{queue}}'],
        ['max by (server, source, queue) (fourlane_log_queue_writer_lag_max_seconds{%s})' % sel, '{{server}} {{source}} {{queue}} most'],
      ],
    },
    enqueued:: {
      title: 'Lines by core',
      description: 'Lines per second that each core puts into the queue. One core far above the others finds the log storm.',
      unit: 'ops',
      min: 0,
      expr: 'topk(10, sum by (server, source, core) (rate(fourlane_log_queue_enqueued_total{%s}[$__rate_interval])))' % sel,
      legend: '{{server}} {{source}} {{core}}',
    },
    dropped:: {
      title: 'Lines dropped by core',
      description: 'Lines per second lost because the queue was full or no buffer was free. Each is something the log will not tell.',
      unit: 'ops',
      min: 0,
      expr: 'sum by (server, source, core, reason) (rate(fourlane_log_queue_dropped_total{%s}[$__rate_interval]))' % sel,
      legend: '{{server}} {{source}} {{core}} {{reason}}',
    },
    throttled:: {
      title: 'Throttled cores',
      description: 'Cores that cannot log all they want. DPVS throttles a core for 600 s once the queue was full.',
      unit: 'short',
      expr: 'max by (server, source, core) (fourlane_log_core_throttled{%s})' % sel,
      legend: '{{server}} {{source}} {{core}}',
      mappings: panel.words('no', 'throttled', 'transparent', 'orange'),
    },
    written:: {
      title: 'Lines written',
      description: 'Lines per second that the log core wrote, and that it could not write.',
      unit: 'ops',
      min: 0,
      expr: [
        ['sum by (server, source, queue) (rate(fourlane_log_queue_written_total{%s}[$__rate_interval]))' % sel, '{{server}} {{source}} {{queue}}'],
        ['sum by (server, source, queue) (rate(fourlane_log_queue_write_errors_total{%s}[$__rate_interval]))' % sel, '{{server}} {{source}} {{queue}} failed'],
      ],
    },
    types:: {
      title: 'Lines of the log file by type',
      description: 'Lines per second by the type they begin with. A type that jumps names the subsystem behind a log storm.',
      unit: 'ops',
      min: 0,
      expr: 'topk(10, sum by (server, type) (rate(fourlane_log_lines_total{%s}[$__rate_interval])))' % sel,
      legend: '{{server}} {{type}}',
    },
    slowMode:: {
      title: 'Slow mode seen in the log',
      description: 'Whether the log file showed the mark of a throttled core in the last 10 minutes.',
      unit: 'short',
      expr: 'max by (server, source) (fourlane_log_slow_mode{%s})' % sel,
      legend: '{{server}} {{source}}',
      mappings: panel.words('no', 'slow mode', 'transparent', 'orange'),
    },
    pool:: {
      title: 'Line buffers in use',
      description: 'Share of the buffers for lines in use. Used up, lines are dropped although the queue has room.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      expr: '1 - min by (server, source, queue) (fourlane_log_queue_pool_available{%s} / (fourlane_log_queue_pool_size{%s} > 0))' % [sel, sel],
      legend: '{{server}} {{source}} {{queue}}',
    },
    trouble:: {
      title: 'Trouble with the log file',
      description: 'Lines that were not text or too long, bytes not examined because too many came, rotations.',
      unit: 'short',
      min: 0,
      expr: [
        ['sum by (server) (increase(fourlane_log_invalid_lines_total{%s}[$__rate_interval]))' % sel, '{{server}} not UTF-8'],
        ['sum by (server) (increase(fourlane_log_cut_lines_total{%s}[$__rate_interval]))' % sel, '{{server}} too long'],
        ['sum by (server) (increase(fourlane_log_skipped_bytes_total{%s}[$__rate_interval]))' % sel, '{{server}} bytes skipped'],
        ['sum by (server, how) (increase(fourlane_log_rotations_total{%s}[$__rate_interval]))' % sel, '{{server}} rotated: {{how}}'],
      ],
    },
  }
