/**
 * The FIFO over time: drained several times a second, whatever the cadence of readings, since keepalived drops lines when it is
 * full.
 */
import { FileError } from '../../sys/files.ts';
import { Fifo } from '../../sys/fifo.ts';
import { descriptorsOf } from '../../sys/process.ts';
import { type Notice, parseNotice } from '../../keepalived/state/notify.ts';

/** Lines by what they are; `repeated` states are no transitions. */
export const LINE_KINDS = ['instance', 'group', 'priority', 'event', 'checker', 'repeated', 'other'] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** keepalived writes lines of at most two names and some words. */
const MAX_LINE = 2048;
/** keepalived may be somebody else's root, in a container: the FIFO is for its owner. */
const MODE = 0o600;
const DRAIN_MS = 200;
/** Between attempts to open it, ms. */
const RETRY_MS = 2000;

export interface FollowerOptions {
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Called before the lines of one batch are taken. */
  readonly before: () => Promise<void>;
  readonly take: (notice: Notice) => LineKind;
  /** Called when the FIFO has been read, also when there was nothing in it. */
  readonly after: () => void;
}

export class Follower {
  readonly #path: string;
  readonly #o: FollowerOptions;
  #fifo: Fifo | undefined;
  readonly #timer: NodeJS.Timeout;
  #work: Promise<void> = Promise.resolve();
  #retryAt = 0;
  #closed = false;
  /** Why it can't be read at present; '' = it is read. */
  problem = '';
  readonly lines = Object.fromEntries(LINE_KINDS.map((k) => [k, 0])) as Record<LineKind, number>;

  constructor(path: string, options: FollowerOptions) {
    this.#path = path;
    this.#o = options;
    this.#timer = setInterval(() => void this.drain(), DRAIN_MS).unref();
  }

  /** Takes what is in the FIFO now; resolves when everything of it has been taken. Never rejects. */
  drain(): Promise<void> {
    this.#work = this.#work.then(() => this.#drain());
    return this.#work;
  }

  /** Whether a process has this FIFO open. */
  async isOpenIn(pid: number): Promise<boolean> {
    const fifo = this.#fifo;
    if (fifo === undefined) return false;
    const named = (await descriptorsOf(pid)).filter((d) => d.target.startsWith('/'));
    for (const { path } of named) if (await fifo.isSame(path)) return true;
    return false;
  }

  async #drain(): Promise<void> {
    if (this.#closed || (this.#fifo === undefined && this.#o.clock() < this.#retryAt)) return;
    try {
      this.#fifo ??= await Fifo.open(this.#path, { mode: MODE, maxLine: MAX_LINE });
      const { lines } = await this.#fifo.read();
      this.problem = '';
      // An unreadable pid file is reported by the next reading; the lines count all the same.
      if (lines.length > 0) await this.#o.before().catch(() => undefined);
      for (const line of lines) this.lines[this.#o.take(parseNotice(line))]++;
      this.#o.after();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.problem = error.message;
      this.#retryAt = this.#o.clock() + RETRY_MS;
      const broken = this.#fifo;
      this.#fifo = undefined;
      await broken?.close().catch(() => undefined); // it may be what failed
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
    this.#closed = true;
    await this.#fifo?.close();
    this.#fifo = undefined;
  }
}
