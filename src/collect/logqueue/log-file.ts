/** The log file over the readings: its tail, and counters of all that it gave. */
import { FileError } from '../../sys/files.ts';
import { type Ending, Tail, type TailCounts } from '../../sys/tail.ts';
import { type CoreLoops, DpvsLog, SLOW_MODE_MS } from './dpvs-log.ts';

/** All counters are since the agent began to follow the file. */
export interface LogFileData extends TailCounts {
  readonly source: string;
  readonly path: string;
  readonly lines: ReadonlyMap<string, number>;
  readonly invalidLines: number;
  readonly cutLines: number;
  /** Whether a core was seen in slow mode in the last 10 minutes. */
  readonly slowMode: boolean;
  readonly cores: ReadonlyMap<string, Readonly<CoreLoops>>;
}

/** Time of one reading in which what has come is read, ms; the rest waits for the next one. */
const BUDGET_MS = 1500;
/**
 * Then a step that is under way has this long to end: a disk or a file server that does not answer must not hold up the reading.
 */
const GRACE_MS = 500;

export class LogFile {
  readonly #path: string;
  readonly #clock: () => number;
  readonly #tail: Pick<Tail, 'read' | 'counts' | 'close'>;
  readonly #log = new DpvsLog();
  /** A batch that has not ended yet. */
  #running: Promise<Ending> | undefined;

  constructor(path: string, clock: () => number, tail: Pick<Tail, 'read' | 'counts' | 'close'> = new Tail({ path, clock })) {
    this.#path = path;
    this.#clock = clock;
    this.#tail = tail;
  }

  /**
   * What has come by now; undefined while there is no file. Rejects with FileError, also when the file system does not answer.
   */
  async read(): Promise<Omit<LogFileData, 'source'> | undefined> {
    this.#running ??= this.#batch().finally(() => (this.#running = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), BUDGET_MS + GRACE_MS)));
    try {
      const ending = await Promise.race([this.#running, late]);
      if (ending === 'late') throw new FileError('read', this.#path, new Error('its file system does not answer'));
      return ending === 'missing' ? undefined : this.#data();
    } finally {
      clearTimeout(timer);
    }
  }

  #batch(): Promise<Ending> {
    return this.#tail.read((lines) => this.#log.take(lines, this.#clock()), AbortSignal.timeout(BUDGET_MS));
  }

  #data(): Omit<LogFileData, 'source'> {
    const log = this.#log;
    return {
      path: this.#path,
      lines: new Map(log.lines),
      invalidLines: log.invalid,
      cutLines: log.cut,
      ...this.#tail.counts,
      slowMode: this.#clock() - log.slowModeSeen <= SLOW_MODE_MS,
      cores: new Map([...log.cores].map(([core, loops]) => [core, { ...loops }])),
    };
  }

  /** Ends following; a batch that does not end is not waited for. */
  async close(): Promise<void> {
    const closed = this.#tail.close();
    if (this.#running === undefined) await closed;
    else closed.catch(() => undefined);
  }
}
