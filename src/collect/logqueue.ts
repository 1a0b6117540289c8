/**
 * logqueue: the asynchronous log of a data plane. Its forwarding cores put lines into a queue, one core writes them; when it is
 * slow the queue fills, lines are dropped and cores are held back. Read by telemetry (the contract of docs/logqueue.md, else
 * rings and memory pools) and from the end of the log file, where DPVS logs what it exports nowhere.
 */
import * as z from 'zod';
import { Once } from '../model/change-log.ts';
import type { Exact } from '../model/exact.ts';
import { FileError } from '../sys/files.ts';
import { type CollectContext, collector, type Reading, type Samples, type Source } from './collector.ts';
import { matcher, patterns } from './patterns.ts';
import type { Queue } from './logqueue/contract.ts';
import { LogFile, type LogFileData } from './logqueue/log-file.ts';
import * as m from './logqueue/metrics.ts';
import { Processes, type QueueProcess, type Unread } from './logqueue/processes.ts';
import { contract } from './telemetry/commands.ts';
import { Sockets, socketSettings } from './telemetry/sockets.ts';

const path = z.string().regex(/^\//, 'an absolute path is needed').max(4096);
const schema = z.strictObject({
  ...socketSettings,
  rings: patterns()
    .default(['log_ring_*'])
    .describe('rings that are log queues, as patterns with *, of applications without own commands'),
  pool: z.string().min(1).max(127).default('log_msg_pool').describe('memory pool of the lines in these rings'),
  file: z
    .union([path, z.literal(false)])
    .default('/var/log/dpvs.log')
    .describe('log file to follow; `false`: none'),
  fileSource: z
    .string()
    .min(1)
    .max(127)
    .optional()
    .describe(
      'label `source` of what the log file tells; without it that of the only process with a log queue, `dpvs` until one is ' +
        'found',
    ),
});

interface LogqueueData {
  readonly processes: readonly QueueProcess[];
  readonly file?: LogFileData;
  readonly unread: readonly (Unread & { readonly by: 'telemetry' | 'file' })[];
}

class LogqueueSource implements Source<LogqueueData> {
  readonly #settings: z.output<typeof schema>;
  readonly #sockets: Sockets;
  readonly #processes: Processes;
  readonly #file: LogFile | undefined;
  readonly #problems: Once;
  /** Label of the log file: one process has one label. */
  #fileSource: string;

  constructor(settings: z.output<typeof schema>, context: CollectContext) {
    this.#problems = new Once((problems) => context.log('warn', `collector logqueue: ${problems}`));
    const { commandPrefix, rings, pool, file, fileSource } = settings;
    this.#settings = settings;
    this.#sockets = new Sockets(settings);
    this.#processes = new Processes({ contract: contract(commandPrefix), ring: matcher(rings), pool }, context);
    this.#fileSource = fileSource ?? 'dpvs';
    this.#file = file === false ? undefined : new LogFile(file, context.clock);
  }

  async read(signal: AbortSignal): Promise<Reading<LogqueueData>> {
    const { sockets, problems } = await this.#sockets.find();
    const [{ up, unread }, outcome] = await Promise.all([this.#processes.read(sockets, signal), this.#readFile()]);
    const [only] = up;
    if (this.#settings.fileSource === undefined && up.length === 1 && unread.length === 0) this.#fileSource = only!.source;
    const file = outcome && { ...outcome, source: this.#fileSource };
    const failed = [
      ...unread.map((u) => ({ ...u, by: 'telemetry' as const })),
      ...(file !== undefined && 'reason' in file ? [{ ...file, by: 'file' as const }] : []),
    ];
    const reasons = [...failed.map((f) => f.reason), ...problems].join('; ');
    const read = file !== undefined && 'lines' in file ? file : undefined;
    if (up.length > 0 || read !== undefined) {
      this.#problems.set(reasons);
      return { state: 'data', data: { processes: up, unread: failed, ...(read && { file: read }) } };
    }
    if (reasons !== '') return { state: 'failed', reason: reasons };
    const { file: name } = this.#settings;
    const none = `no DPDK process with a log queue in ${this.#sockets.directories.join(', ')}`;
    return { state: 'absent', reason: name === false ? none : `${none}, and no file ${name}` };
  }

  async #readFile(): Promise<Omit<LogFileData, 'source'> | Omit<Unread, 'source'> | undefined> {
    try {
      return await this.#file?.read();
    } catch (error) {
      if (error instanceof FileError) return { reason: error.message };
      throw error;
    }
  }

  run(): Promise<string | undefined> {
    return this.#sockets.run();
  }

  async close(): Promise<void> {
    this.#processes.close();
    await this.#file?.close();
  }
}

const seconds = (ns: Exact) => Number(ns) / 1e9;

function publishQueue(source: string, epoch: string, queue: Queue, samples: Samples): void {
  const labels = [source, queue.queue];
  samples.gauge(m.DEPTH, labels, queue.depth);
  samples.gauge(m.CAPACITY, labels, queue.capacity);
  if (queue.highest !== undefined) samples.gauge(m.HIGHEST, labels, queue.highest);
  if (queue.pool !== undefined) samples.gauge(m.POOL_SIZE, labels, queue.pool.size);
  if (queue.pool?.available !== undefined) samples.gauge(m.POOL_AVAILABLE, labels, queue.pool.available);
  for (const core of queue.cores) {
    const own = [...labels, core.core];
    samples.counter(m.ENQUEUED, own, core.enqueued, epoch);
    samples.counter(m.DROPPED, [...own, 'full'], core.droppedFull, epoch);
    samples.counter(m.DROPPED, [...own, 'no_buffer'], core.droppedNoBuffer, epoch);
    if (core.throttled !== undefined) samples.gauge(m.THROTTLED, own, Number(core.throttled));
  }
  const { writer } = queue;
  if (writer === undefined) return;
  samples.counter(m.WRITTEN, labels, writer.written, epoch);
  samples.counter(m.BATCHES, labels, writer.batches, epoch);
  samples.counter(m.BYTES, labels, writer.bytes, epoch);
  samples.counter(m.ERRORS, labels, writer.errors, epoch);
  samples.gauge(m.LAG, labels, seconds(writer.lagNs));
  samples.gauge(m.LAG_MAX, labels, seconds(writer.lagMaxNs));
  if (writer.lastWriteUs > 0) samples.gauge(m.LAST_WRITE, labels, Number(writer.lastWriteUs) / 1e6);
}

function publishFile(file: LogFileData, samples: Samples): void {
  const labels = [file.source];
  for (const [type, lines] of file.lines) samples.counter(m.LINES, [...labels, type], lines);
  samples.counter(m.INVALID, labels, file.invalidLines);
  samples.counter(m.CUT, labels, file.cutLines);
  samples.counter(m.FILE_BYTES, labels, file.bytes);
  samples.counter(m.SKIPPED, labels, file.skippedBytes);
  samples.counter(m.ROTATIONS, [...labels, 'renamed'], file.renamed);
  samples.counter(m.ROTATIONS, [...labels, 'truncated'], file.truncated);
  samples.gauge(m.SLOW_MODE, labels, Number(file.slowMode));
  for (const [core, { slow, maxUs }] of file.cores) {
    samples.counter(m.SLOW_LOOPS, [...labels, core], slow);
    if (maxUs !== undefined) samples.gauge(m.SLOW_LOOP_MAX, [...labels, core], maxUs / 1e6);
  }
}

export const logqueue = collector({
  name: 'logqueue',
  summary: 'asynchronous logs of data planes: queue, drops, writer lag, throttled cores, the log file',
  schema,
  interval: 5000,
  timeout: 3000,
  staleAfter: 30_000,
  metrics: m.LOGQUEUE_METRICS,
  existence: { zero: [m.UP] },
  open: (settings, context) => new LogqueueSource(settings, context),
  publish({ processes, file, unread }: LogqueueData, samples) {
    for (const { source, epoch, queues } of processes) {
      samples.gauge(m.UP, [source, 'telemetry'], 1);
      for (const queue of queues) publishQueue(source, `${epoch} ${queue.epoch}`, queue, samples);
    }
    if (file !== undefined) {
      samples.gauge(m.UP, [file.source, 'file'], 1);
      publishFile(file, samples);
    }
    for (const { source, by } of unread) samples.gauge(m.UP, [source, by], 0);
  },
});
