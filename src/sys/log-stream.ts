/**
 * Where the log's lines wait to be written: a bounded queue in front of a descriptor, written without ever blocking. Whoever
 * reads the log may stop: the agent goes on, counts the lines it has to drop, and can still end (a blocking write in Node's
 * thread pool would keep the process from exiting).
 */
import { fstatSync, write, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { Backoff } from '../model/backoff.ts';
import { EAGAIN } from './errno.ts';
import { errno, MSG_DONTWAIT, MSG_NOSIGNAL, poll, POLLOUT, send } from './libc.ts';

/** Bytes that may wait. */
const MAX_WAITING = 4 << 20;
/** What a waiting line costs beside its bytes, about. */
const LINE_COST = 64;
/** Bytes written at once. */
const CHUNK = 64 << 10;
/** A pipe that can be written to takes so many bytes at once (PIPE_BUF). */
const PIPE_BUF = 4096;
/** While the reader does not read: asked again after pauses that double, ms. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;
/** At the end of the process: longest time for what is left, ms. */
const FAREWELL_MS = 500;
const POLL_MS = 5;
/** Nobody will ever read again. */
const BROKEN = /^(EPIPE|ECONNRESET|EBADF|ENXIO|ENOTCONN)$/;

/** Writes some of the bytes without blocking. @returns how many; 0: no room now. Throws with `code`. */
type TryWrite = (bytes: Uint8Array) => number;

export class LogStream {
  readonly #fd: number;
  readonly #recovered: (dropped: number) => void;
  readonly #maxWaiting: number;
  /** For descriptors that can be asked whether they have room; undefined for files, which always have. */
  readonly #tryWrite: TryWrite | undefined;
  #lines: string[] = [];
  /** The lines being written, and how far that has come. */
  #chunk: Buffer = Buffer.alloc(0);
  #chunkLines = 0;
  #waiting = 0;
  #scheduled = false;
  #inFlight = false;
  readonly #backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  #ended = false;
  #reported = 0;
  /** Lines dropped so far. */
  dropped = 0;

  /**
   * @param recovered called when everything that waited has been written and lines were dropped since the call before: how many
   */
  constructor(fd: number, recovered: (dropped: number) => void, maxWaiting = MAX_WAITING) {
    this.#fd = fd;
    this.#recovered = recovered;
    this.#maxWaiting = maxWaiting;
    const stat = fstatSync(fd);
    if (stat.isSocket()) this.#tryWrite = (bytes) => trySend(fd, bytes);
    else if (!stat.isFile()) this.#tryWrite = (bytes) => tryPipe(fd, bytes);
  }

  /** Bytes that wait, with what the lines cost beside. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a line, with its end; drops and counts it when too much waits. */
  write(line: string): void {
    const cost = Buffer.byteLength(line) + LINE_COST;
    if (this.#ended || this.#waiting + cost > this.#maxWaiting) {
      this.dropped++;
      return;
    }
    this.#waiting += cost;
    this.#lines.push(line);
    if (!this.#scheduled && !this.#inFlight) this.#later(0);
  }

  /** Resolves when nothing waits, or after a short time. */
  async written(limitMs = FAREWELL_MS): Promise<void> {
    for (const end = performance.now() + limitMs; this.#waiting > 0 && performance.now() < end; ) await sleep(POLL_MS);
  }

  /**
   * Writes what is left, for a short time; what can't be written is dropped, and nothing is written any more. For the end of the
   * process.
   */
  farewell(limitMs = FAREWELL_MS): void {
    const end = performance.now() + limitMs;
    const nap = new Int32Array(new SharedArrayBuffer(4));
    try {
      // What is in flight to a file is written by the thread that has it, which the process waits for.
      if (this.#inFlight) this.#chunk = Buffer.alloc(0);
      while (this.#next()) {
        const n = this.#tryWrite?.(this.#chunk) ?? writeSync(this.#fd, this.#chunk);
        this.#chunk = this.#chunk.subarray(n);
        if (n > 0) continue;
        if (performance.now() >= end) break;
        Atomics.wait(nap, 0, 0, 5);
      }
    } catch {
      // There is nobody left to report to.
    }
    this.#end();
  }

  #later(ms: number): void {
    this.#scheduled = true;
    const run = () => {
      this.#scheduled = false;
      this.#flush();
    };
    if (ms === 0) setImmediate(run);
    else setTimeout(run, ms).unref();
  }

  #flush(): void {
    if (!this.#next()) return this.#empty();
    if (this.#tryWrite === undefined) {
      this.#inFlight = true;
      write(this.#fd, this.#chunk, (error, n) => {
        this.#inFlight = false;
        if (error === null) this.#wrote(n);
        else this.#failed(error);
      });
      return;
    }
    try {
      this.#wrote(this.#tryWrite(this.#chunk));
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
    }
  }

  #wrote(n: number): void {
    this.#chunk = this.#chunk.subarray(n);
    if (n > 0) {
      this.#backoff.reset();
      this.#later(0);
    } else this.#wait();
  }

  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (BROKEN.test(code)) this.#end();
    else this.#wait();
  }

  /** What waits is dropped, and all that comes. */
  #end(): void {
    this.#ended = true;
    this.dropped += this.#lines.length + (this.#chunk.length > 0 ? this.#chunkLines : 0);
    this.#lines = [];
    this.#chunk = Buffer.alloc(0);
    this.#waiting = 0;
  }

  #wait(): void {
    this.#later(this.#backoff.next());
  }

  #empty(): void {
    const dropped = this.dropped - this.#reported;
    if (dropped === 0) return;
    this.#reported = this.dropped;
    this.#recovered(dropped);
  }

  /** Makes the next chunk, once the one before has been written. @returns whether there is something to write */
  #next(): boolean {
    if (this.#chunk.length > 0) return true;
    let length = 0;
    let count = 0;
    while (count < this.#lines.length && length < CHUNK) length += this.#lines[count++]!.length;
    const text = this.#lines.splice(0, count).join('');
    this.#chunk = Buffer.from(text);
    this.#chunkLines = count;
    this.#waiting -= this.#chunk.length + count * LINE_COST;
    return this.#chunk.length > 0;
  }
}

function trySend(fd: number, bytes: Uint8Array): number {
  const n = send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n >= 0) return n;
  const code = errno();
  if (code === EAGAIN) return 0;
  throw Object.assign(new Error('send'), { code: getSystemErrorName(-code) });
}

/** Pipes and terminals: a descriptor that others share must not be made non-blocking, so it is asked first. */
function tryPipe(fd: number, bytes: Uint8Array): number {
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(fd, 0);
  asked.writeInt16LE(POLLOUT, 4);
  if (poll(asked, 1, 0) <= 0) return 0;
  try {
    return writeSync(fd, bytes, 0, Math.min(bytes.length, PIPE_BUF));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
