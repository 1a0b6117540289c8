/**
 * The vty sockets of FRR's daemons: a command ends with a NUL; its answer is text without NULs, three NULs and a status
 * (lib/vty.c, vtysh_read). The status of a command that failed is not 0, so the end can't be found by a last byte that is NUL.
 */
import type { Framing } from '../../sys/unix-dialogue.ts';
import { SocketError } from '../../sys/unix-socket.ts';
import { Control } from '../control.ts';

/** Longest answer: 10 000 routes are some 3.5 MB. */
const MOST = 8 << 20;
/** A longer command is refused, but as if it were another: 8.4 has a buffer of 4096 bytes. */
const LONGEST_COMMAND = 2048;
const NUL = 0;
const TRAILER = 4;

/** The answer ends with the third byte after its first NUL. */
export class VtyFraming implements Framing {
  /** Bytes from the first NUL on; 0: none yet. */
  #trailer = 0;

  take(piece: Buffer): number | undefined {
    let at = 0;
    if (this.#trailer === 0) {
      at = piece.indexOf(NUL);
      if (at < 0) return undefined;
    }
    const end = Math.min(piece.length, at + TRAILER - this.#trailer);
    for (let i = at; i < end; i++) {
      if (++this.#trailer < TRAILER && piece[i] !== NUL) throw new SocketError('EPROTO', 'found a NUL within an answer');
    }
    return this.#trailer === TRAILER ? end : undefined;
  }
}

/** Status of an answer: lib/command.h. */
export const SUCCESS = 0;

export interface VtyAnswer {
  readonly status: number;
  readonly text: string;
}

/** Text and status of a whole answer. */
export function parseAnswer(answer: Buffer): VtyAnswer {
  return { status: answer.at(-1)!, text: answer.toString('utf8', 0, answer.length - TRAILER) };
}

type Ask = (request: string) => Promise<Buffer>;

export class Vty {
  readonly #control: Control;

  /** @param enable before the first command: bfdd knows its show commands only then, and nobody may configure without */
  constructor(path: string, program: 'bgpd' | 'bfdd', { enable = program === 'bfdd' } = {}) {
    const rights = 'add its user to the group frrvty, which may also configure';
    const begin = enable ? { begin: async (ask: Ask) => void (await ask('enable\0')) } : {};
    this.#control = new Control({ path, program, rights, framing: () => new VtyFraming(), most: MOST, ...begin });
  }

  get path(): string {
    return this.#control.path;
  }

  run(): Promise<string | undefined> {
    return this.#control.run();
  }

  /** One command. @throws RangeError when it can't be one */
  async ask(command: string, signal: AbortSignal): Promise<VtyAnswer> {
    if (command.includes('\0') || command.includes('\n') || command.length > LONGEST_COMMAND)
      throw new RangeError(`${command.slice(0, 80)}: no command of FRR`);
    return parseAnswer(await this.#control.ask(`${command}\0`, signal));
  }

  close(): void {
    this.#control.close();
  }
}
