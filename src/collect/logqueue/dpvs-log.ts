/**
 * The log file of DPVS and of what is made from it (src/log.c, src/scheduler.c of v1.10.2), line by line, as counters.
 *
 * A line is `[YYYY-MM-DD HH:MM:SS ]TYPE: text`, the time only in async mode. A core whose line found the queue full is in slow
 * mode for 10 minutes: it logs one line in 5 s at most, and of that only `function:line`. The file does not show which core it
 * was.
 */
import type { Lines } from '../../sys/line-splitter.ts';

/** Types that are counted apart; lines of further ones are counted as OTHER. */
const MOST_TYPES = 64;
const MOST_CORES = 1024;
/** Of lines without a type, such as the second line of a message. */
const OTHER = 'other';
const SLOW_MODE = 'slow_mode';
/** How long a core stays in slow mode: LOG_SLOW_INTERNAL_TIME. */
export const SLOW_MODE_MS = 600_000;

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;
const TYPE = /^([A-Z][A-Z0-9_]{0,31}): /;
const SLOW = /^[a-z_][A-Za-z0-9_]*:\d{1,6}$/;
const SLOW_LOOP = /^DSCHED: lcore\[(\d{1,4})\] loop over \d+ usecs \(actual=(\d{1,10}), max=(\d{1,10})\):$/;
/** The second line of that message: µs of each job. */
const SLOW_JOBS = /^(?:\w+=\d+(?: |$))+$/;
const LONGEST = /^DSCHED: update longest_lcore_loop\[(\d{1,4})\] = (\d{1,10}) \(<- \d{1,10}\)$/;
const ENTERED = /^DSCHED: lcore (\d{1,4}) enter \w+ loop$/;

/** Loops of one core as its log lines report them. */
export interface CoreLoops {
  slow: number;
  /** Longest since DPVS started, µs; undefined when nothing was logged since. */
  maxUs: number | undefined;
}

export class DpvsLog {
  /** Lines by type. */
  readonly lines = new Map<string, number>([[SLOW_MODE, 0]]);
  readonly cores = new Map<string, CoreLoops>();
  /** Lines that are not UTF-8, and lines that were too long to be read whole. */
  invalid = 0;
  cut = 0;
  /** The line before reported a slow loop. */
  #slowLoop = false;
  /** When a core was last seen in slow mode, ms; -Infinity: never. */
  slowModeSeen = Number.NEGATIVE_INFINITY;

  /** `now`: monotonic ms. */
  take({ lines, invalid, cut }: Lines, now: number): void {
    this.invalid += invalid;
    this.cut += cut;
    for (const line of lines) this.#line(line.replace(TIME, ''), now);
  }

  #line(line: string, now: number): void {
    const [, found] = TYPE.exec(line) ?? [];
    const type = found ?? (this.#slowLoop && SLOW_JOBS.test(line) ? 'DSCHED' : undefined);
    this.#slowLoop = false;
    if (type === undefined && SLOW.test(line)) {
      this.slowModeSeen = now;
      this.#count(SLOW_MODE);
      return;
    }
    this.#count(type ?? OTHER);
    if (type === 'DSCHED') this.#scheduler(line);
  }

  #scheduler(line: string): void {
    const [, slowCore, , max] = SLOW_LOOP.exec(line) ?? [];
    if (slowCore !== undefined) {
      this.#slowLoop = true;
      const core = this.#core(slowCore);
      if (core === undefined) return;
      core.slow++;
      core.maxUs = Number(max);
      return;
    }
    const [, longestCore, longest] = LONGEST.exec(line) ?? [];
    if (longestCore !== undefined) {
      const core = this.#core(longestCore);
      if (core !== undefined) core.maxUs = Number(longest);
      return;
    }
    const [, entered] = ENTERED.exec(line) ?? [];
    const core = entered === undefined ? undefined : this.cores.get(String(Number(entered)));
    if (core !== undefined) core.maxUs = undefined;
  }

  #count(type: string): void {
    const known = this.lines.get(type);
    const key = known === undefined && this.lines.size >= MOST_TYPES ? OTHER : type;
    this.lines.set(key, (this.lines.get(key) ?? 0) + 1);
  }

  #core(id: string): CoreLoops | undefined {
    const key = String(Number(id));
    let core = this.cores.get(key);
    if (core === undefined && this.cores.size < MOST_CORES) this.cores.set(key, (core = { slow: 0, maxUs: undefined }));
    return core;
  }
}
