/**
 * Records the evidence log (docs/attribution.md): what the judge saw and when it judged, so that `fourlane replay` gives what it
 * gave.
 */
import fs, { createWriteStream, type WriteStream } from 'node:fs';
import { formatObservation } from '../judge/evidence/codecs.ts';
import { formatHeader, type Origin } from '../judge/evidence/header.ts';
import { formatResult } from '../judge/evidence/result.ts';
import { exactState } from '../judge/exact.ts';
import type { JudgeState } from '../judge/judge.ts';
import type { Facts } from '../model/facts.ts';
import { openAppending } from '../sys/appending.ts';

/** Bytes waiting to be written above which new evidence is dropped and counted: a slow disk must not fill the memory. */
const MAX_PENDING = 16 << 20;

/** How the judge came to its present world; one object for as long as it stays there. */
export type Start = { readonly from: 'state' } | { readonly from: 'reload'; readonly t: number; readonly after: Start };

/** What goes into one pass at `now` (ms). */
export interface RecordedPass {
  readonly start: Start;
  /** The state before the pass. */
  readonly state: JudgeState;
  readonly facts: Facts;
  readonly now: number;
}

/** After a failure the file is opened again, ms: space may have been freed. */
const RETRY_MS = 10_000;

export class Recorder {
  readonly path: string;
  readonly #failed: (message: string) => void;
  readonly #open: typeof openAppending;
  #stream: WriteStream;
  /** Lines not written because the disk was too slow or failed. */
  dropped = 0;
  /** '' or why it can't be written. */
  #problem = '';
  /** When it is tried again, ms; undefined: it is being written. */
  #retryAt: number | undefined;
  #now = 0;
  /** The world that the last header line describes; undefined when what follows it is not all in the log. */
  #start: Start | undefined;

  /**
   * @param failed called with each new reason why the file can't be written; what comes then is dropped, the agent goes on, and
   * the file is opened again later
   */
  constructor(path: string, failed: (message: string) => void, open = openAppending) {
    this.path = path;
    this.#failed = failed;
    this.#open = open;
    this.#stream = this.#begin();
  }

  #begin(): WriteStream {
    const stream = createWriteStream(this.path, { fs: { ...fs, open: this.#open } });
    stream.on('error', ({ message }) => {
      this.#retryAt = this.#now + RETRY_MS;
      this.#start = undefined;
      if (message !== this.#problem)
        this.#failed(`evidence log ${this.path}: ${message}; it is tried again every ${RETRY_MS / 1000} s`);
      this.#problem = message;
    });
    return stream;
  }

  /** Appends one pass and its facts; before it a header line whenever the world is another, or lines were dropped. */
  record({ start, state, facts, now }: RecordedPass): void {
    const { results, observations } = facts;
    this.#now = now;
    if (this.#retryAt !== undefined && now >= this.#retryAt) {
      this.#retryAt = undefined;
      this.#stream = this.#begin();
    }
    if (this.#retryAt !== undefined || this.#stream.writableLength > MAX_PENDING) {
      this.dropped += results.count + observations.length;
      this.#start = undefined;
      return;
    }
    const { topology } = state;
    const lines: string[] = [];
    if (this.#start !== start) lines.push(formatHeader(topology, this.#origin(start, state)));
    this.#start = start;
    for (const fact of observations) lines.push(formatObservation(topology, fact));
    for (let index = 0; index < results.count; index++) lines.push(formatResult(topology, results, index));
    lines.push(`{"pass":${now}}\n`);
    this.#stream.write(lines.join('\n'), (error) => {
      if (!error) this.#problem = '';
    });
  }

  /** A reload of the world before says it all; anything else needs the whole state. */
  #origin(start: Start, state: JudgeState): Origin {
    if (start.from === 'reload' && start.after === this.#start) return { from: 'reload', t: start.t };
    return { from: 'state', t: state.clock.now, state: exactState(state) };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#retryAt !== undefined || this.#stream.destroyed) resolve();
      else this.#stream.end(() => resolve());
    });
  }
}

/** The recorder the plan asks for, if any; follows the plan over reloads. */
export class Recording {
  readonly #failed: (message: string) => void;
  #current: Recorder | undefined;

  constructor(failed: (message: string) => void) {
    this.#failed = failed;
  }

  get current(): Recorder | undefined {
    return this.#current;
  }

  /** Records to `path` from now on; undefined = nowhere. */
  follow(path: string | undefined): void {
    if (path === this.#current?.path) return;
    void this.#current?.close();
    this.#current = path === undefined ? undefined : new Recorder(path, this.#failed);
  }
}
