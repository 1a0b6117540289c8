/**
 * A conversation over a SOCK_STREAM unix socket, such as the control socket of a routing daemon: the connection is kept, one
 * question at a time or some together, and the answer itself shows where it ends. Whatever goes wrong ends the conversation, so
 * that an answer that comes late is never taken for the next one's.
 */
import { Socket } from 'node:net';
import { close, connect, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, socket } from './libc.ts';
import { refuseStranger } from './peer.ts';
import type { Patience } from './seqpacket.ts';
import { AF_UNIX, failure, SocketError, sockaddrUn } from './unix-socket.ts';

/** Finds the end of one answer in its pieces. */
export interface Framing {
  /** Takes the next piece. @returns how many of its bytes belong to the answer, when it ends in it; may throw: it is none */
  take(piece: Buffer): number | undefined;
}

export interface DialogueOptions {
  /** Made for each answer. */
  readonly framing: () => Framing;
  /** Longest answer taken, bytes. */
  readonly most: number;
}

/** Who waits for `wanted` answers. */
interface Waiting {
  readonly wanted: number;
  readonly answers: Buffer[];
  /** Of the answer that is coming. */
  framing: Framing;
  pieces: Buffer[];
  bytes: number;
  readonly timer: NodeJS.Timeout;
  readonly settle: (end: readonly Buffer[] | Error) => void;
}

export class UnixDialogue {
  readonly #socket: Socket;
  readonly #options: DialogueOptions;
  #waiting: Waiting | undefined;
  #ended: Error | undefined;

  private constructor(fd: number, options: DialogueOptions) {
    this.#options = options;
    this.#socket = new Socket({ fd });
    this.#socket.on('data', (piece: Buffer) => this.#take(piece));
    this.#socket.on('end', () => this.#fail(new SocketError('EOF', 'the peer closed the connection')));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(new SocketError(error.code ?? 'EIO', error.message)));
    this.#socket.unref();
  }

  /**
   * Connects, at once or not at all. Throws SocketError: ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE …; EAGAIN: the backlog is full,
   * since the peer takes nobody; EPERM: a stranger listens there.
   */
  static connect(path: string, options: DialogueOptions): UnixDialogue {
    const address = sockaddrUn(path);
    const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw failure('socket');
    try {
      if (connect(fd, address, address.length) !== 0) throw failure('connect');
      refuseStranger(fd, path);
    } catch (error) {
      close(fd);
      throw error;
    }
    return new UnixDialogue(fd, options);
  }

  /** Whether it goes on: nobody closed it, and nothing went wrong. */
  get usable(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Sends `request`, which may be empty: then it waits for what the peer sends unasked, such as a greeting.
   * @returns the whole answer. Rejects with SocketError (EOF, ETIMEDOUT, EMSGSIZE, EPROTO: something came unasked, EBUSY: another
   * question waits), with what the framing threw, or with the signal's reason
   */
  async ask(request: string, patience: Patience): Promise<Buffer> {
    return (await this.askAll([request], patience))[0]!;
  }

  /** As `ask`, one or more questions that are sent together; `limitMs` is for each. @returns the answers in that order */
  askAll(requests: readonly string[], { signal, limitMs }: Patience): Promise<readonly Buffer[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#waiting !== undefined) return Promise.reject(new SocketError('EBUSY', 'another question waits for its answer'));
    return new Promise((resolve, reject) => {
      const aborted = () => this.#fail(signal.reason as Error);
      const late = () =>
        this.#fail(new SocketError('ETIMEDOUT', `no whole answer within ${limitMs} ms, ${this.#waiting?.bytes} bytes came`));
      const timer = setTimeout(late, limitMs);
      const settle = (end: readonly Buffer[] | Error) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.#waiting = undefined;
        if (end instanceof Error) reject(end);
        else resolve(end);
      };
      const framing = this.#options.framing();
      this.#waiting = { wanted: requests.length, answers: [], framing, pieces: [], bytes: 0, timer, settle };
      signal.addEventListener('abort', aborted, { once: true });
      const text = requests.join('');
      if (signal.aborted) aborted();
      else if (text !== '') this.#socket.write(text);
    });
  }

  #take(piece: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return this.#fail(new SocketError('EPROTO', `${piece.length} bytes came unasked`));
    try {
      for (let rest = piece; rest.length > 0; ) {
        if (waiting.answers.length === waiting.wanted)
          throw new SocketError('EPROTO', `${rest.length} bytes came after the answer`);
        rest = rest.subarray(this.#goOn(waiting, rest));
      }
      if (waiting.answers.length === waiting.wanted) waiting.settle(waiting.answers);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Takes what belongs to the answer that is coming. @returns how many bytes */
  #goOn(waiting: Waiting, piece: Buffer): number {
    const end = waiting.framing.take(piece);
    const taken = end ?? piece.length;
    waiting.pieces.push(piece.subarray(0, taken));
    waiting.bytes += taken;
    if (waiting.bytes > this.#options.most)
      throw new SocketError('EMSGSIZE', `an answer of more than ${this.#options.most} bytes`);
    if (end === undefined) return taken;
    waiting.answers.push(Buffer.concat(waiting.pieces));
    Object.assign(waiting, { framing: this.#options.framing(), pieces: [], bytes: 0 });
    waiting.timer.refresh();
    return taken;
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#socket.destroy();
    this.#waiting?.settle(error);
  }

  /** Ends it; a question that waits rejects. */
  close(): void {
    this.#fail(new SocketError('EBADF', 'the connection has been closed here'));
  }
}
