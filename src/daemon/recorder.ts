/**
 * Records the evidence log (docs/attribution.md): what the judge saw and when it judged, so that `fourlane replay` gives what it
 * gave.
 */
import { closeSync, constants, createWriteStream, fstatSync, openSync, readSync, type WriteStream } from 'node:fs';
import { formatObservation } from '../judge/evidence/codecs.ts';
import { formatHeader, type Origin } from '../judge/evidence/header.ts';
import { formatResult } from '../judge/evidence/result.ts';
import { exactState } from '../judge/exact.ts';
import type { JudgeState } from '../judge/judge.ts';
import type { Facts } from '../model/facts.ts';

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

export class Recorder {
  readonly path: string;
  readonly #stream: WriteStream;
  /** Lines not written because the disk was too slow or failed. */
  dropped = 0;
  #failed = false;
  /** The world that the last header line describes; undefined when what follows it is not all in the log. */
  #start: Start | undefined;

  /** @param failed called once when the file can't be written; recording then ends, the agent goes on */
  constructor(path: string, failed: (message: string) => void) {
    this.path = path;
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', (error) => {
      this.#failed = true;
      failed(`evidence log ${path}: ${error.message}; recording has ended`);
    });
    if (endsInside(path)) this.#stream.write('\n');
  }

  /** Appends one pass and its facts; before it a header line whenever the world is another, or lines were dropped. */
  record({ start, state, facts, now }: RecordedPass): void {
    const { results, observations } = facts;
    if (this.#failed || this.#stream.writableLength > MAX_PENDING) {
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
    this.#stream.write(lines.join('\n'));
  }

  /** A reload of the world before says it all; anything else needs the whole state. */
  #origin(start: Start, state: JudgeState): Origin {
    if (start.from === 'reload' && start.after === this.#start) return { from: 'reload', t: start.t };
    return { from: 'state', t: state.clock.now, state: exactState(state) };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failed) resolve();
      else this.#stream.end(() => resolve());
    });
  }
}

/** Whether the file ends inside a line: its last writer was killed. */
function endsInside(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    const last = Buffer.alloc(1);
    return stat.isFile() && stat.size > 0 && readSync(fd, last, 0, 1, stat.size - 1) === 1 && last[0] !== 0x0a;
  } catch {
    // Not there yet, or not readable: the stream reports what matters.
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
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
