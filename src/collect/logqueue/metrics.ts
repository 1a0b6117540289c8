/**
 * Families of the logqueue collector. `source` of queues: the file prefix of a DPDK process; of log files
 * the same, or `collectors.logqueue.fileSource`.
 */
import { counter, gauge, type Metric } from '../../model/family.ts';

const QUEUE = ['source', 'queue'];
const CORE = [...QUEUE, 'core'];

export const UP = gauge(
  'logqueue_up',
  'Whether the log queues of a DPDK process (telemetry), or a log file (file), could be read.',
  ['source', 'by'],
);

export const DEPTH = gauge('log_queue_depth', 'Lines waiting in the log queue.', QUEUE);
export const CAPACITY = gauge('log_queue_capacity', 'Lines the log queue can hold.', QUEUE);
export const HIGHEST = gauge('log_queue_highest_depth', 'Most lines that ever waited in the log queue since the start.', QUEUE);
export const POOL_SIZE = gauge('log_queue_pool_size', 'Buffers for lines of the log queue.', QUEUE);
export const POOL_AVAILABLE = gauge('log_queue_pool_available', 'Buffers for lines of the log queue that are free.', QUEUE);
export const ENQUEUED = counter('log_queue_enqueued_total', 'Lines that a core put into the log queue.', CORE);
export const DROPPED = counter(
  'log_queue_dropped_total',
  'Lines that a core had to drop: the queue was full, or there was no buffer.',
  [...CORE, 'reason'],
);
export const THROTTLED = gauge(
  'log_core_throttled',
  'Whether the core can not log all it wants: its application holds it back, or it dropped lines since the reading before.',
  CORE,
);
export const WRITTEN = counter('log_queue_written_total', 'Lines that the log core took from the queue and wrote.', QUEUE);
export const BATCHES = counter('log_queue_write_batches_total', 'Batches in which the log core wrote them.', QUEUE);
export const BYTES = counter('log_queue_written_bytes_total', 'Bytes that the log core wrote.', QUEUE);
export const ERRORS = counter('log_queue_write_errors_total', 'Lines that the log core could not write.', QUEUE);
export const LAG = gauge(
  'log_queue_writer_lag_seconds',
  'Age of the line that the log core wrote last, when it wrote it; 0 when none waits.',
  QUEUE,
);
export const LAG_MAX = gauge('log_queue_writer_lag_max_seconds', 'Greatest lag of the log core since the start.', QUEUE);
export const LAST_WRITE = gauge(
  'log_queue_last_write_timestamp_seconds',
  'When the log core wrote last, by the clock of its application.',
  QUEUE,
);

export const LINES = counter(
  'log_lines_total',
  'Lines appended to the log file, by the type they begin with; `slow_mode`: `function:line` of a throttled core; `other`: none.',
  ['source', 'type'],
);
export const INVALID = counter('log_invalid_lines_total', 'Lines of the log file that are not UTF-8.', ['source']);
export const CUT = counter('log_cut_lines_total', 'Lines of the log file that were too long to be read whole.', ['source']);
export const FILE_BYTES = counter('log_bytes_total', 'Bytes appended to the log file.', ['source']);
export const SKIPPED = counter(
  'log_skipped_bytes_total',
  'Bytes of the log file that were not examined because too many had come since the reading before.',
  ['source'],
);
export const ROTATIONS = counter('log_rotations_total', 'Rotations of the log file: renamed or removed, or truncated.', [
  'source',
  'how',
]);
export const SLOW_MODE = gauge(
  'log_slow_mode',
  'Whether a core of DPVS was seen in slow mode in the last 10 minutes: its lines found the queue full, and it logs one in ' +
    '5 s at most. The file does not tell which core.',
  ['source'],
);
export const SLOW_LOOPS = counter(
  'core_slow_loops_total',
  'Passes of the main loop over the threshold, as DPVS built with CONFIG_RECORD_BIG_LOOP logs them. A lower bound: lines ' +
    'may be dropped.',
  ['source', 'core'],
);
export const SLOW_LOOP_MAX = gauge(
  'core_slow_loop_max_seconds',
  'Longest pass of the main loop since DPVS started, as its log told last; fourlane_core_loop_max_seconds is what telemetry ' +
    'tells.',
  ['source', 'core'],
);

export const LOGQUEUE_METRICS: readonly Metric[] = [
  UP,
  DEPTH,
  CAPACITY,
  HIGHEST,
  POOL_SIZE,
  POOL_AVAILABLE,
  ENQUEUED,
  DROPPED,
  THROTTLED,
  WRITTEN,
  BATCHES,
  BYTES,
  ERRORS,
  LAG,
  LAG_MAX,
  LAST_WRITE,
  LINES,
  INVALID,
  CUT,
  FILE_BYTES,
  SKIPPED,
  ROTATIONS,
  SLOW_MODE,
  SLOW_LOOPS,
  SLOW_LOOP_MAX,
];
