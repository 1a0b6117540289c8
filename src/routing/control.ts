/** The control socket of a routing daemon: connection kept, errors explained. */
import { socketRun } from '../sys/socket-run.ts';
import { type DialogueOptions, UnixDialogue } from '../sys/unix-dialogue.ts';
import { SocketError } from '../sys/unix-socket.ts';

/** Longest time that one answer may take: ms. It comes within one, unless the daemon is busy. */
const ANSWER_MS = 1000;

export interface ControlOptions extends DialogueOptions {
  readonly path: string;
  /** How the program is called: `bgpd`. */
  readonly program: string;
  /** What gives the right to connect: the end of a sentence. */
  readonly rights: string;
  /** What is exchanged first on a new connection. */
  readonly begin?: (ask: (request: string) => Promise<Buffer>) => Promise<void>;
}

export class Control {
  readonly #options: ControlOptions;
  #dialogue: UnixDialogue | undefined;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Which run of the daemon this is; undefined: there is no socket. */
  run(): Promise<string | undefined> {
    return socketRun(this.#options.path);
  }

  /** One question on the connection there is, or on a new one. Rejects with SocketError that explains, or the signal's reason. */
  async ask(request: string, signal: AbortSignal): Promise<Buffer> {
    return (await this.askAll([request], signal))[0]!;
  }

  /** As `ask`, one or more questions that are sent together. @returns the answers in that order */
  async askAll(requests: readonly string[], signal: AbortSignal): Promise<readonly Buffer[]> {
    try {
      if (this.#dialogue?.usable !== true) await this.#open(signal);
      return await this.#dialogue!.askAll(requests, { signal, limitMs: ANSWER_MS });
    } catch (error) {
      this.close();
      throw error instanceof SocketError ? this.#explained(error) : error;
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const dialogue = UnixDialogue.connect(this.#options.path, this.#options);
    this.#dialogue = dialogue;
    await this.#options.begin?.((request) => dialogue.ask(request, { signal, limitMs: ANSWER_MS }));
  }

  #explained(error: SocketError): SocketError {
    const { path, program, rights } = this.#options;
    const explanations: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such socket',
      ECONNREFUSED: `nobody listens: ${program} has ended and left its socket behind; start it, or remove the file`,
      EACCES: `permission denied: run fourlane as root, or ${rights}`,
      EPROTOTYPE: `is a socket of another kind than that of ${program}`,
      EAGAIN: `takes no more clients: ${program} hangs`,
      ETIMEDOUT: `does not answer: ${program} hangs, or is busy`,
      EOF: `closed the connection: ${program} is ending`,
      ECONNRESET: `closed the connection: ${program} is ending`,
      EPIPE: `closed the connection: ${program} is ending`,
    };
    const text = explanations[error.code] ?? 'failed';
    return new SocketError(error.code, error.message.startsWith(path) ? error.message : `${path}: ${text} (${error.message})`);
  }

  close(): void {
    this.#dialogue?.close();
    this.#dialogue = undefined;
  }
}
