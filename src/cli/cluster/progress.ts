/** What is waited for: one line that is drawn again on a terminal, else a line for each change. */
import { plainLine } from '../../model/plain-text.ts';
import { monotonicMs } from '../../sys/clock.ts';
import type { Output } from '../output.ts';

const WIDTH = 20;
/** Where each line stays: one that differs from the last in nothing but numbers is not worth another before that, ms. */
const SAME_MS = 10_000;

export class Progress {
  readonly #io: Output;
  readonly #terminal: NodeJS.WriteStream | undefined;
  #shown = '';
  #at = 0;
  readonly #abort = new AbortController();
  readonly #end = () => this.#abort.abort();

  /** Listens for SIGINT and SIGTERM until `done`. */
  constructor(io: Output, terminal: NodeJS.WriteStream = process.stderr) {
    this.#io = io;
    this.#terminal = terminal.isTTY ? terminal : undefined;
    process.on('SIGINT', this.#end).on('SIGTERM', this.#end);
  }

  /** The wait is to end, and what was begun goes on without us. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** @param share 0–1 */
  readonly tell = (text: string, share: number): void => {
    const line = `[${bar(share)}] ${text}`;
    if (line === this.#shown) return;
    if (this.#terminal === undefined) {
      const isSame = line.replace(/\d+/g, '') === this.#shown.replace(/\d+/g, '');
      if (isSame && monotonicMs() - this.#at < SAME_MS) return;
      this.#at = monotonicMs();
      this.#io.err(`${line}\n`);
    }
    this.#shown = line;
    this.#terminal?.write(`\r\x1b[K${plainLine(line).slice(0, (this.#terminal.columns || 80) - 1)}`);
  };

  done(): void {
    process.off('SIGINT', this.#end).off('SIGTERM', this.#end);
    if (this.#terminal !== undefined && this.#shown !== '') this.#terminal.write('\r\x1b[K');
  }
}

function bar(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * WIDTH);
  return '#'.repeat(full) + '.'.repeat(WIDTH - full);
}
