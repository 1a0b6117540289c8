/** One open log file as it grows: where reading has come to, and whether the file still is what was read. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileError } from './files.ts';

/** Bytes at the beginning of a file, and before the place that reading has come to, by which it is known again. */
export const MARK = 256;
const NONE = Buffer.alloc(0);

/**
 * What a step found: `more` bytes, the `end` of the file for now, or that it was truncated: `truncated`, what is in it now is all
 * new; `holed`, the same by a writer that goes on where it was (not in append mode): the file begins with a hole now.
 */
export type Step = 'more' | 'end' | 'truncated' | 'holed';

/** Which file it is, whatever its name. */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export function isSame(identity: Identity, other: Identity): boolean {
  return identity.ino === other.ino && identity.dev === other.dev;
}

export class TailedFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly identity: Identity;
  #offset = 0;
  /** The first bytes of it, as far as it has been read. */
  #head: Buffer = NONE;
  /** The bytes before the offset. They are read again at each step, and must be what they were. */
  #mark: Buffer = NONE;
  /** Where reading was when the file was truncated, until it is known where its writer went on. */
  #before = 0;

  private constructor(handle: FileHandle, path: string, identity: Identity) {
    this.#handle = handle;
    this.#path = path;
    this.identity = identity;
  }

  /** Opens a regular file at its beginning; undefined when there is none. Rejects with FileError. */
  static async open(path: string): Promise<TailedFile | undefined> {
    try {
      // O_NONBLOCK: opening a FIFO would wait for a writer.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stat = await handle.stat({ bigint: true });
        if (!stat.isFile()) throw Object.assign(new Error('it is no regular file'), { code: 'EINVAL' });
        return new TailedFile(handle, path, stat);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new FileError('read', path, error);
    }
  }

  /** Bytes of it that have been read. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that it has now. */
  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Goes to `offset`, at most the file's end. @returns whether that is in the middle of a line */
  async seek(offset: number): Promise<boolean> {
    this.#head = await this.#bytes(0, Math.min(MARK, offset));
    this.#mark = await this.#bytes(Math.max(0, offset - MARK), offset);
    this.#offset = Math.max(0, offset - MARK) + this.#mark.length;
    return this.#mark.length > 0 && this.#mark.at(-1) !== 0x0a;
  }

  /**
   * Reads on, into `buffer`, and gives new bytes to `take`; the buffer's first MARK bytes are for what is read again. Of a
   * truncated file nothing is given: what was missed may be in its copy. `restart` is to be called then.
   */
  async step(buffer: Buffer, take: (chunk: Buffer) => void): Promise<Step> {
    if (this.#before > 0) await this.#findWriter();
    const known = this.#mark.length;
    const length = await this.#read(buffer, this.#offset - known);
    if (length < known) return 'truncated';
    const found = buffer.subarray(0, known);
    if (!found.equals(this.#mark)) return isHole(found) ? 'holed' : 'truncated';
    if (length === known) return 'end';
    const chunk = buffer.subarray(known, length);
    if (this.#offset < MARK) this.#head = Buffer.concat([this.#head, chunk.subarray(0, MARK - this.#offset)]);
    this.#offset += chunk.length;
    this.#mark = Buffer.from(buffer.subarray(Math.max(0, length - MARK), length));
    take(chunk);
    return 'more';
  }

  /** Whether `other` has all that was read of this file, in the same place: it is a copy of it, or was made from it. */
  async isCopiedIn(other: TailedFile): Promise<boolean> {
    if (this.#offset === 0) return false;
    const mark = await other.#bytes(this.#offset - this.#mark.length, this.#offset);
    return mark.equals(this.#mark) && (await other.#bytes(0, this.#head.length)).equals(this.#head);
  }

  /** After a truncation: reading goes on at the beginning, or, when there is a hole, where it was. */
  restart(step: 'truncated' | 'holed'): void {
    this.#head = step === 'holed' ? Buffer.alloc(this.#head.length) : NONE;
    this.#mark = step === 'holed' ? Buffer.alloc(this.#mark.length) : NONE;
    if (step === 'holed') return;
    this.#before = this.#offset;
    this.#offset = 0;
  }

  /** A writer that is not in append mode leaves a hole as long as the file was: it need not be read. */
  async #findWriter(): Promise<void> {
    const first = await this.#bytes(0, 1);
    if (first.length === 0) return;
    const there = await this.#bytes(Math.max(0, this.#before - MARK), this.#before);
    if (isHole(first) && there.length === Math.min(MARK, this.#before) && isHole(there)) {
      this.#offset = this.#before;
      this.#head = this.#mark = there;
    }
    this.#before = 0;
  }

  async #bytes(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, await this.#read(bytes, from));
  }

  async #read(into: Buffer, position: number): Promise<number> {
    if (into.length === 0) return 0;
    try {
      return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
    } catch (error) {
      throw new FileError('read', this.#path, error);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function isHole(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
