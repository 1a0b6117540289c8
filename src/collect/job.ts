/** One collector at work: readings at its cadence, one at a time, each with a deadline; what came of it is kept for scrapes. */
import { pauseAfter, spread } from '../model/backoff.ts';
import type { FindingReport } from '../model/finding.ts';
import type { LiveRealServers } from '../model/live-real-server.ts';
import type { CollectedNic, Collector, Evidence, Reading, Source, Timing } from './collector.ts';
import { withDeadline } from './deadline.ts';
import { Output } from './output.ts';

export const STATES = ['starting', 'data', 'absent', 'failed', 'off'] as const;
export type State = (typeof STATES)[number];

export interface JobOptions {
  readonly collector: Collector;
  readonly timing: Timing;
  readonly open: () => Source<unknown>;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** 0 ≤ x < 1, for the jitter of pauses after failures. */
  readonly random: () => number;
  /** Called after each reading that came with data. `t`: when it was asked for. */
  readonly onData: (data: unknown, t: number) => void;
  /** Called when the state or the reason for it is another than before. */
  readonly onChange: (state: State, reason: string) => void;
  /** Called when there is data again after a time without, or of another run of the source. */
  readonly onStarted: () => void;
}

/** Longest time that one question between readings may take: ms. */
const ASK_LIMIT_MS = 800;
/** Longest pause after failures in a row, if the cadence is not slower: ms. */
const LONGEST_PAUSE_MS = 60_000;

export class Job {
  readonly #o: JobOptions;
  readonly output = new Output();
  #source: Source<unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abort: AbortController | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #failures = 0;
  /** The run that the last reading began with, and that of the last data; undefined: not known, or none. */
  #run: string | undefined;
  #dataRun: string | undefined;
  state: State = 'starting';
  reason = '';
  /** Of the last reading with data. */
  findings: readonly FindingReport[] = [];
  /** Readings by how they ended. */
  readonly readings = { data: 0, absent: 0, failed: 0 };
  /** Of the last reading, seconds; NaN before it. */
  duration = Number.NaN;
  /** When the last reading with data was asked for, ms of the clock; NaN = never. */
  lastData = Number.NaN;

  constructor(options: JobOptions) {
    this.#o = options;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Ends readings and closes the source; resolves when nothing of it is left, or after its deadline in any case. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort(new Error('the agent stops'));
    await this.#running;
    await this.#source?.close();
    this.#source = undefined;
  }

  /**
   * What the source shows of these NICs at once; undefined when it can't be asked, does not answer in time, or fails. `t`: when
   * it was asked, ms of the clock.
   */
  async ask(nics: readonly CollectedNic[]): Promise<{ readonly evidence: Evidence; readonly t: number } | undefined> {
    const source = this.#source;
    if (this.#stopped || this.state !== 'data' || source?.ask === undefined) return undefined;
    const t = this.#o.clock();
    const evidence = await source.ask(nics, AbortSignal.timeout(ASK_LIMIT_MS)).catch(() => undefined);
    return evidence && { evidence, t };
  }

  /** Real servers of a service as they are now; undefined when the source can't tell. */
  async realServers(vip: string): Promise<LiveRealServers> {
    if (this.#stopped || this.state !== 'data') return undefined;
    return this.#source?.realServers?.(vip, AbortSignal.timeout(this.#o.timing.timeout)).catch(() => undefined);
  }

  /** Whether the values of the last good reading may still be shown. */
  fresh(): boolean {
    return this.state !== 'absent' && this.#o.clock() - this.lastData <= this.#o.timing.staleAfter;
  }

  #schedule(pause: number, then = () => this.#turn()): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void (this.#running = then()), pause);
  }

  /** The next reading, given that this one began at `started`. */
  #next(started: number): void {
    const { clock, timing } = this.#o;
    const pause = this.#pause(clock() - started);
    if (this.#failures === 0 || this.#source?.run === undefined) this.#schedule(pause);
    else this.#schedule(Math.min(pause, timing.interval), () => this.#look(clock() + pause));
  }

  /** In a pause after failures: reads when it is over, or at once when another run of the source is there. */
  async #look(until: number): Promise<void> {
    const { clock, timing } = this.#o;
    const left = until - clock();
    const again = left <= 0 || (await this.#present()) !== this.#run;
    if (this.#stopped) return;
    if (again) return this.#turn();
    this.#schedule(Math.min(left, timing.interval), () => this.#look(until));
  }

  /** The run that is there now; one that can't be found out is none. */
  async #present(): Promise<string | undefined> {
    return this.#source?.run?.().catch(() => undefined);
  }

  async #turn(): Promise<void> {
    const { clock, timing } = this.#o;
    const started = clock();
    const settled = this.#read(started);
    // A source that does not even give up at its deadline is reported at once, and waited for: two readings never run together.
    let late: NodeJS.Timeout | undefined;
    const grace = new Promise<'late'>((resolve) => (late = setTimeout(() => resolve('late'), timing.timeout + GRACE_MS)));
    if ((await Promise.race([settled, grace])) === 'late') {
      this.#ended({ state: 'failed', reason: `did not end within ${timing.timeout} ms nor when it was told to` }, started);
      // Stopping must not wait for it; what it opened is its own to close.
      if (!this.#stopped) void settled.then(() => this.#next(started));
      return;
    }
    clearTimeout(late);
    this.#ended(await settled, started);
    this.#next(started);
  }

  #read(started: number): Promise<Reading<undefined>> {
    const abort = new AbortController();
    this.#abort = abort;
    return withDeadline(this.#o.timing.timeout, abort, async (signal) => {
      this.#source ??= this.#o.open();
      this.#run = await this.#present();
      const reading = await this.#source.read(signal);
      if (reading.state !== 'data') return reading;
      const { data } = reading;
      this.output.take((samples) => this.#o.collector.publish(data, samples));
      this.findings = this.#o.collector.findings?.(data) ?? [];
      this.lastData = started;
      this.#o.onData(data, started);
      return { state: 'data', data: undefined };
    });
  }

  #ended(reading: Reading<undefined>, started: number): void {
    if (this.#stopped) return;
    this.duration = (this.#o.clock() - started) / 1000;
    this.readings[reading.state]++;
    this.#failures = reading.state === 'failed' ? this.#failures + 1 : 0;
    const reason = reading.state === 'data' ? '' : reading.reason;
    const changed = this.state !== reading.state || this.reason !== reason;
    const hadData = this.readings.data > (reading.state === 'data' ? 1 : 0);
    const another = this.state !== 'data' || this.#dataRun !== this.#run;
    if (reading.state === 'data') this.#dataRun = this.#run;
    if (reading.state === 'failed') this.#forgetExistence();
    this.state = reading.state;
    this.reason = reason;
    if (changed) this.#o.onChange(this.state, reason);
    if (reading.state === 'data' && hadData && another) this.#o.onStarted();
  }

  /** Whether something is there is no value that may be old. */
  #forgetExistence(): void {
    const { zero = [], gone = [] } = this.#o.collector.existence ?? {};
    this.output.zero(zero);
    this.output.drop(gone);
  }

  /** Until the next reading, given that this one took `elapsed`. */
  #pause(elapsed: number): number {
    const { interval } = this.#o.timing;
    if (this.#failures === 0) return Math.max(0, interval - elapsed);
    return spread(pauseAfter(this.#failures, interval, Math.max(interval, LONGEST_PAUSE_MS)), this.#o.random());
  }
}

/** A source that got its abort has this long to end: ms. */
const GRACE_MS = 250;
