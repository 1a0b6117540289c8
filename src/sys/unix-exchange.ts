/**
 * Request and reply over a SOCK_STREAM unix socket, one connection each. For servers that handle one client at a time and block
 * on it, like DPVS's control socket: connection and whole request are two system calls in a row, so nothing of ours (a scrape, a
 * garbage collection) can come between them; the reply is drained as it comes; the connection ends at once after it, and at the
 * deadline in any case.
 */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN } from './errno.ts';
import { close, connect, errno, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, send, socket } from './libc.ts';
import { refuseStranger } from './peer.ts';
import { AF_UNIX, failure, SocketError, sockaddrUn } from './unix-socket.ts';

/** While the server's backlog is full, connecting is tried again after this pause: ms. */
const BACKLOG_PAUSE_MS = 2;

/** How a reply ends. */
export interface ReplyShape {
  /** Bytes that are always there. */
  readonly head: number;
  /** Bytes of the whole reply, from its head. May throw: the reply is refused. */
  readonly length: (head: Buffer) => number;
  /** Longest reply taken, bytes. */
  readonly most: number;
}

export class UnixExchange {
  readonly #path: string;
  /** The exchange that runs, or a resolved promise. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * One exchange; those asked for at the same time run one after another. `limitMs` counts from the beginning of its turn.
   * @returns the whole reply, head included. Rejects with SocketError (ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE …; EAGAIN: the
   * backlog stayed full; EOF: closed without a byte; EBADMSG: closed in the middle; ETIMEDOUT; EMSGSIZE: longer than allowed or
   * than announced), with what `length` threw, or with the signal's reason.
   */
  ask(request: Uint8Array, shape: ReplyShape, signal: AbortSignal, limitMs: number): Promise<Buffer> {
    const turn = this.#last.then(async () => {
      const started = performance.now();
      const fd = await open(this.#path, request, signal, limitMs);
      return receive(fd, shape, signal, limitMs - (performance.now() - started));
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Nothing is held between exchanges. */
  close(): void {}
}

/** A connection that has been given the whole request. */
async function open(path: string, request: Uint8Array, signal: AbortSignal, limitMs: number): Promise<number> {
  const address = sockaddrUn(path);
  const until = performance.now() + limitMs;
  for (;;) {
    signal.throwIfAborted();
    const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw failure('socket');
    if (connect(fd, address, address.length) === 0) {
      closingOnError(fd, () => refuseStranger(fd, path));
      const sent = send(fd, request, request.length, MSG_NOSIGNAL);
      if (sent === request.length) return fd;
      const error = sent < 0 ? failure('send') : new SocketError('EMSGSIZE', `send: ${sent} of ${request.length} bytes taken`);
      close(fd);
      throw error;
    }
    const full = errno() === EAGAIN;
    const error = failure('connect');
    close(fd);
    if (!full) throw error;
    if (performance.now() >= until) throw new SocketError('EAGAIN', `connect: its backlog was full for ${limitMs} ms`);
    await sleep(BACKLOG_PAUSE_MS);
  }
}

function closingOnError(fd: number, look: () => void): void {
  try {
    look();
  } catch (error) {
    close(fd);
    throw error;
  }
}

function receive(fd: number, shape: ReplyShape, signal: AbortSignal, limitMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const reply = new Socket({ fd });
    const chunks: Buffer[] = [];
    let have = 0;
    let want: number | undefined;
    const finish = (end: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      reply.destroy();
      end();
    };
    const fail = (error: Error) => finish(() => reject(error));
    const aborted = () => fail(signal.reason as Error);
    const late = () => {
      const bytes = want === undefined ? `${have} bytes` : `${have} of ${want} bytes`;
      fail(new SocketError('ETIMEDOUT', `no whole reply within ${Math.round(limitMs)} ms, ${bytes} came`));
    };
    const timer = setTimeout(late, Math.max(1, limitMs));
    reply.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      have += chunk.length;
      try {
        if (want === undefined && have >= shape.head) want = measured(shape, Buffer.concat(chunks).subarray(0, shape.head));
        if (want === undefined || have < want) return;
        if (have > want) throw new SocketError('EMSGSIZE', `${have - want} bytes more than the ${want} announced`);
        finish(() => resolve(Buffer.concat(chunks, have)));
      } catch (error) {
        fail(error as Error);
      }
    });
    reply.on('end', () => {
      const code = have === 0 ? 'EOF' : 'EBADMSG';
      fail(new SocketError(code, `closed after ${have} of ${want ?? `at least ${shape.head}`} bytes`));
    });
    reply.on('error', (error: NodeJS.ErrnoException) => fail(new SocketError(error.code ?? 'EIO', error.message)));
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

function measured({ head, length, most }: ReplyShape, bytes: Buffer): number {
  const total = length(bytes);
  if (total < head || total > most)
    throw new SocketError('EMSGSIZE', `a reply of ${total} bytes is announced; ${most} are the most expected`);
  return total;
}
