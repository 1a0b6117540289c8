/**
 * A FIFO that another program writes lines into, read here. It is opened read-write: then it has a writer at all times, reading
 * never meets its end, and what is written while the other program restarts stays in it. Non-blocking: nothing waits for a
 * writer.
 */
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { FileError } from './files.ts';
import { errno, flock, LOCK_EX, LOCK_NB, mkfifo } from './libc.ts';
import { type Lines, LineSplitter } from './line-splitter.ts';
import { isSame } from './tailed-file.ts';

export interface FifoOptions {
  /** Of the FIFO, when it is made here. */
  readonly mode: number;
  /** Bytes of a line that are kept. */
  readonly maxLine: number;
}

/** As much as the kernel keeps in a pipe by default. */
const CHUNK = 65_536;
/** Bytes taken in one go: a writer that never pauses must not hold the reader. */
const MOST = 16 * CHUNK;

export class Fifo {
  readonly path: string;
  readonly #options: FifoOptions;
  readonly #buffer = Buffer.alloc(CHUNK);
  readonly #lines: LineSplitter;
  #handle: FileHandle;

  private constructor(path: string, options: FifoOptions, handle: FileHandle) {
    this.path = path;
    this.#options = options;
    this.#lines = new LineSplitter(options.maxLine);
    this.#handle = handle;
  }

  /**
   * Opens the FIFO, and makes it, with its directory, when there is none. What is in one that was there already is dropped:
   * nobody knows how old it is, and a writer drops what comes once it is full. Rejects with FileError: no FIFO, no permission, or
   * (EBUSY) another process reads it.
   */
  static async open(path: string, options: FifoOptions): Promise<Fifo> {
    const { handle, made } = await acquire(path, options.mode);
    const fifo = new Fifo(path, options, handle);
    if (made) return fifo;
    await fifo.read();
    fifo.#lines.restart(false);
    return fifo;
  }

  /**
   * The lines that came since the last call. When another FIFO has taken the path, also what that one has. Rejects with
   * FileError.
   */
  async read(): Promise<Lines> {
    const own = await this.#drain();
    if (await this.isSame(this.path)) return own;
    const { handle } = await acquire(this.path, this.#options.mode);
    await this.#handle.close();
    this.#handle = handle;
    this.#lines.restart(false);
    const other = await this.#drain();
    return { lines: [...own.lines, ...other.lines], invalid: own.invalid + other.invalid, cut: own.cut + other.cut };
  }

  /** Its descriptor, open for reading and writing. */
  get fd(): number {
    return this.#handle.fd;
  }

  /** Whether `path`, such as a descriptor's link in /proc, leads to this FIFO. */
  async isSame(path: string): Promise<boolean> {
    const there = await stat(path, { bigint: true }).catch(() => undefined);
    return there !== undefined && isSame(there, await this.#handle.stat({ bigint: true }));
  }

  async #drain(): Promise<Lines> {
    const lines: string[] = [];
    let [invalid, cut] = [0, 0];
    for (let taken = 0; taken < MOST; ) {
      const length = await this.#take();
      if (length === 0) break;
      const got = this.#lines.push(this.#buffer.subarray(0, length));
      for (const line of got.lines) lines.push(line);
      invalid += got.invalid;
      cut += got.cut;
      taken += length;
    }
    return { lines, invalid, cut };
  }

  async #take(): Promise<number> {
    try {
      return (await this.#handle.read(this.#buffer, 0, CHUNK, null)).bytesRead;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw new FileError('read', this.path, error);
    }
  }

  /** Closes it; the FIFO stays, since its writer has it open. */
  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Opens it for ourselves alone. `made`: there was none, so what is in it came since. */
async function acquire(path: string, mode: number): Promise<{ readonly handle: FileHandle; readonly made: boolean }> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? Object.assign(error, { code: 'ENOTDIR' }) : error;
    });
    const made = make(path, mode);
    const handle = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFIFO())
        throw Object.assign(new Error('it is no FIFO; remove it or name another path'), { code: 'EEXIST' });
      // Two readers would each get a part of the lines.
      if (flock(handle.fd, LOCK_EX | LOCK_NB) !== 0) {
        throw Object.assign(new Error('another process reads it; a FIFO has one reader'), { code: 'EBUSY' });
      }
      if (made) await chmod(path, mode); // whatever the umask
      return { handle, made };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw new FileError('open the FIFO', path, error);
  }
}

/** @returns whether it was made: false = there is something already */
function make(path: string, mode: number): boolean {
  if (mkfifo(path, mode) === 0) return true;
  const code = getSystemErrorName(-errno());
  if (code === 'EEXIST') return false;
  throw Object.assign(new Error(code), { code });
}
