/**
 * Client of AF_UNIX SOCK_SEQPACKET sockets. Node can't make or adopt one, so libc is called and asked again until there is an
 * answer: every call is non-blocking, and between two of them the event loop runs.
 */
import { Backoff } from '../model/backoff.ts';
import { EAGAIN } from './errno.ts';
import { close, connect, errno, MSG_DONTWAIT, MSG_NOSIGNAL, recv, send, SOCK_CLOEXEC, SOCK_NONBLOCK, socket } from './libc.ts';
import { refuseStranger } from './peer.ts';
import { AF_UNIX, failure, SocketError, sockaddrUn } from './unix-socket.ts';

const SOCK_SEQPACKET = 5;
const MSG_PEEK = 0x2;
const MSG_TRUNC = 0x20;

/**
 * While an answer is waited for: asked in every turn of the event loop for this long, ms; then after pauses that double up to the
 * longest.
 */
const EAGER_MS = 0.1;
const LONGEST_PAUSE_MS = 16;

/** How long to wait: until `signal` aborts, and at most `limitMs`. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly limitMs: number;
}

export class Seqpacket {
  #fd: number;
  readonly #buffer: Buffer;

  private constructor(fd: number, maxPacket: number) {
    this.#fd = fd;
    this.#buffer = Buffer.allocUnsafeSlow(maxPacket);
  }

  /**
   * Connects; waits while the server's backlog is full (the kernel answers EAGAIN then). Rejects with SocketError (ENOENT,
   * ECONNREFUSED, EACCES, EPROTOTYPE …; EAGAIN: the backlog stayed full; EPERM: a stranger listens there), or with the signal's
   * reason.
   */
  static async connect(path: string, { maxPacket, ...patience }: Patience & { readonly maxPacket: number }): Promise<Seqpacket> {
    const address = sockaddrUn(path);
    const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw failure('socket');
    try {
      const full = () => new SocketError('EAGAIN', `connect: its backlog was full for ${patience.limitMs} ms`);
      await eventually(patience, full, () => {
        if (connect(fd, address, address.length) === 0) return true;
        if (errno() !== EAGAIN) throw failure('connect');
        return undefined;
      });
      refuseStranger(fd, path);
    } catch (error) {
      close(fd);
      throw error;
    }
    return new Seqpacket(fd, maxPacket);
  }

  /** Sends one packet. Throws SocketError: EPIPE when the peer has gone, EAGAIN when it does not read. */
  send(packet: Uint8Array): void {
    if (send(this.#open(), packet, packet.length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) throw failure('send');
  }

  /**
   * The next packet; the buffer is reused by the next call. Rejects with SocketError EOF (the peer closed, or sent an empty
   * packet, which looks the same), ETIMEDOUT, EMSGSIZE (longer than `maxPacket`) or an errno, or with the signal's reason.
   */
  receive(patience: Patience): Promise<Buffer> {
    const late = () => new SocketError('ETIMEDOUT', `no packet within ${patience.limitMs} ms`);
    return eventually(patience, late, () => {
      const n = recv(this.#open(), this.#buffer, this.#buffer.length, MSG_DONTWAIT | MSG_TRUNC);
      if (n > this.#buffer.length) {
        throw new SocketError('EMSGSIZE', `a packet of ${n} bytes came, ${this.#buffer.length} are the most expected`);
      }
      if (n > 0) return this.#buffer.subarray(0, n);
      if (n === 0) throw new SocketError('EOF', 'the peer closed the connection');
      if (errno() !== EAGAIN) throw failure('recv');
      return undefined;
    });
  }

  /** Whether the connection stands and nothing has come that was not asked for. */
  quiet(): boolean {
    if (this.#fd < 0) return false;
    const n = recv(this.#fd, this.#buffer, 1, MSG_DONTWAIT | MSG_PEEK);
    return n < 0 && errno() === EAGAIN;
  }

  /** Ends the connection; a `receive` that waits rejects. */
  close(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }

  /** The descriptor; its number may be another file's once it is closed, so it is never used then. */
  #open(): number {
    if (this.#fd < 0) throw new SocketError('EBADF', 'the connection has been closed here');
    return this.#fd;
  }
}

/** Resolves with what `attempt` gives as soon as that is not undefined. */
function eventually<T>({ signal, limitMs }: Patience, late: () => Error, attempt: () => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const backoff = new Backoff(1, LONGEST_PAUSE_MS);
    const turn = () => {
      try {
        signal.throwIfAborted();
        const value = attempt();
        if (value !== undefined) return resolve(value);
      } catch (error) {
        return reject(error as Error);
      }
      const waited = performance.now() - started;
      if (waited >= limitMs) return reject(late());
      if (waited < EAGER_MS) return void setImmediate(turn);
      setTimeout(turn, backoff.next());
    };
    turn();
  });
}
