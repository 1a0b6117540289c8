/**
 * One telemetry socket over the readings: its client, what is remembered of its cores, and pauses after readings that cost time.
 */
import { Backoff } from '../../model/backoff.ts';
import { Once } from '../../model/change-log.ts';
import type { CollectContext } from '../collector.ts';
import { shareKey, TelemetryClient } from '../telemetry/client.ts';
import type { Found } from '../telemetry/discover.ts';
import { TelemetryError } from '../telemetry/error.ts';
import { CoreMemory } from './memory.ts';
import { type Choice, type ProcessReading, ProcessReader } from './reader.ts';

/** A process that answered. */
export interface Up extends ProcessReading {
  readonly source: string;
  readonly version: string;
  readonly pid: number;
}

/** A socket that could not be read. */
export interface Down {
  readonly source: string;
  readonly reason: string;
}

/** One process may take this much of a reading, so that the others' results are not lost with it, ms. */
const BUDGET_MS = 2000;
/** After a reading that waited in vain the socket is left alone for this long, doubling up to the longest, ms. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;

export class Instance {
  readonly #source: string;
  readonly #choice: Choice;
  readonly #context: CollectContext;
  readonly #lease: { readonly value: TelemetryClient; release(): void };
  readonly #memory = new CoreMemory();
  readonly #backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  readonly #problem: Once;
  #resume = Number.NEGATIVE_INFINITY;
  #run: string;
  #last: Down | undefined;

  constructor({ source, path, run }: Found, choice: Choice, context: CollectContext) {
    this.#source = source;
    this.#run = run;
    this.#choice = choice;
    this.#context = context;
    this.#problem = new Once(
      (problem) => context.log('warn', `collector dpdk: ${problem}`, { source }),
      () => context.log('info', 'collector dpdk: answers again', { source }),
    );
    this.#lease = context.share(shareKey(path), () => new TelemetryClient(path));
  }

  /** As the socket was found now: another process behind it than before begins without the pauses of the one before. */
  found({ run }: Found): this {
    if (run === this.#run) return this;
    this.#run = run;
    this.#resume = Number.NEGATIVE_INFINITY;
    this.#backoff.reset();
    return this;
  }

  /** Never rejects but for the signal's reason: a process that hangs, lies or ends is a Down. */
  async read(signal: AbortSignal): Promise<Up | Down> {
    const now = this.#context.clock();
    if (this.#last !== undefined && now < this.#resume) return this.#last;
    const { path } = this.#lease.value;
    const own = new AbortController();
    const budget = setTimeout(
      () => own.abort(new TelemetryError('silent', `${path}: answers too slowly, more than ${BUDGET_MS} ms for one reading`)),
      BUDGET_MS,
    );
    try {
      const up = await this.#process(now, AbortSignal.any([signal, own.signal]));
      this.#backoff.reset();
      this.#last = undefined;
      return up;
    } catch (error) {
      if (!(error instanceof TelemetryError)) throw error;
      this.#last = { source: this.#source, reason: error.message };
      if (error.problem === 'silent' || error.problem === 'full') this.#pause();
      return this.#last;
    } finally {
      clearTimeout(budget);
    }
  }

  async #process(t: number, signal: AbortSignal): Promise<Up> {
    try {
      return await this.#once(t, signal);
    } catch (error) {
      // The process was restarted in between, or another collector gave up a request on the connection that we share.
      if (error instanceof TelemetryError && error.problem === 'broken') return this.#once(t, signal);
      throw error;
    }
  }

  async #once(t: number, signal: AbortSignal): Promise<Up> {
    const session = await this.#lease.value.session(signal);
    const { version, pid } = session.greeting;
    const reading = await new ProcessReader(session, this.#choice, this.#memory, signal).read(t);
    return { source: this.#source, version, pid, ...reading };
  }

  #pause(): void {
    this.#resume = this.#context.clock() + this.#backoff.next();
  }

  /** Logs what is wrong with a reading, once as long as it stays the same. */
  report(result: Up | Down): void {
    const problems =
      'reason' in result ? [result.reason] : [...result.parts].filter(([, p]) => p !== '').map((p) => p.join(': '));
    this.#problem.set(problems.join('; '));
  }

  close(): void {
    this.#lease.release();
  }
}
