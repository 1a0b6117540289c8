/**
 * BIRD's control socket: a line for a command; lines `NNNN-text` go on, ` text` repeats the code before it, `NNNN text` ends the
 * answer (nest/cli.c). 0…: done, 1…: a table, 8…: it can't be done now, 9…: not understood.
 */
import type { Framing } from '../../sys/unix-dialogue.ts';
import { SocketError } from '../../sys/unix-socket.ts';
import { Control } from '../control.ts';

/** Longest answer: 10 000 routes are some 0.6 MB. */
const MOST = 8 << 20;
/** BIRD closes the connection when more waits to be read: a longer line, or lines that are longer together. */
const MOST_COMMANDS = 1000;
const NEWLINE = 0x0a;
const BLANK = 0x20;
const HEAD = 5;

/** The answer ends with a line that begins with a code and a blank. */
export class BirdFraming implements Framing {
  /** Of the line that has begun: its first bytes. */
  #head = '';

  take(piece: Buffer): number | undefined {
    for (let at = 0; at < piece.length; ) {
      const newline = piece.indexOf(NEWLINE, at);
      const end = newline < 0 ? piece.length : newline;
      if (this.#head.length < HEAD) this.#head += piece.toString('latin1', at, Math.min(end, at + HEAD - this.#head.length));
      if (newline < 0) return undefined;
      const last = /^\d{4} ?$/.test(this.#head);
      this.#head = '';
      at = newline + 1;
      if (last) return at;
    }
    return undefined;
  }
}

/** One line of an answer with its code. */
export interface BirdLine {
  readonly code: number;
  readonly text: string;
}

/** The lines of a whole answer. Throws SocketError when it begins without a code. */
export function parseLines(answer: string): readonly BirdLine[] {
  let code = Number.NaN;
  return answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const m = /^(\d{4})[- ]?(.*)$/.exec(line);
      if (m !== null) {
        code = Number(m[1]);
        return { code, text: m[2]! };
      }
      if (Number.isNaN(code) || line.charCodeAt(0) !== BLANK)
        throw new SocketError('EPROTO', `found ${JSON.stringify(line.slice(0, 80))}`);
      return { code, text: line.slice(1) };
    });
}

const RESTRICTED = 16;
const READY = 1;

export class BirdSocket {
  readonly #control: Control;

  /** @param mayChange whether it keeps the right to change anything */
  constructor(path: string, { mayChange = false } = {}) {
    this.#control = new Control({
      path,
      program: 'bird',
      rights: 'add its user to the group that owns the socket',
      framing: () => new BirdFraming(),
      most: MOST,
      begin: (ask) => greet(ask, mayChange),
    });
  }

  get path(): string {
    return this.#control.path;
  }

  run(): Promise<string | undefined> {
    return this.#control.run();
  }

  /** One command. @throws RangeError when it can't be one */
  async ask(command: string, signal: AbortSignal): Promise<readonly BirdLine[]> {
    return (await this.askAll([command], signal))[0]!;
  }

  /** Commands that are sent together as far as BIRD takes them: a third of its CPU. @throws as `ask` */
  async askAll(commands: readonly string[], signal: AbortSignal): Promise<readonly (readonly BirdLine[])[]> {
    const answers: (readonly BirdLine[])[] = [];
    for (const lines of together(commands)) {
      for (const answer of await this.#control.askAll(lines, signal)) answers.push(parseLines(answer.toString('utf8')));
    }
    return answers;
  }

  close(): void {
    this.#control.close();
  }
}

/** Commands as lines, in groups that BIRD can hold. @throws RangeError when one can't be a command */
function together(commands: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let bytes = Infinity;
  for (const command of commands) {
    const line = `${command}\n`;
    const length = Buffer.byteLength(line);
    if (/\p{Cc}/u.test(command) || length > MOST_COMMANDS) throw new RangeError(`${command.slice(0, 80)}: no command of BIRD`);
    if (bytes + length > MOST_COMMANDS) {
      groups.push([]);
      bytes = 0;
    }
    bytes += length;
    groups.at(-1)!.push(line);
  }
  return groups;
}

/** Waits for the greeting and, unless it is needed, gives up the right to change anything. */
async function greet(ask: (request: string) => Promise<Buffer>, mayChange: boolean): Promise<void> {
  const [hello] = parseLines((await ask('')).toString('utf8'));
  if (hello?.code !== READY) throw new SocketError('EPROTO', `greets with ${JSON.stringify(hello?.text)}`);
  if (mayChange) return;
  const [done] = parseLines((await ask('restrict\n')).toString('utf8'));
  if (done?.code !== RESTRICTED) throw new SocketError('EPROTO', `answers restrict with ${JSON.stringify(done?.text)}`);
}
