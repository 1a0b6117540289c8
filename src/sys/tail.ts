/**
 * Follows a log file by its name, in batches: the lines written since the batch before, each once. What is in the file at first
 * is not read.
 *
 * - Renamed: the old file is read on, beside the new one, until nothing has come for a while: its writer may not have noticed
 * yet.
 * - Truncated (logrotate's copytruncate): what came between the last batch and the copying is read from the copy. What is written
 * while
 *   logrotate is between copying and truncating is in no file any more.
 * - Missing: a file that appears where there was none is read from its beginning.
 *
 * A file of which no line has been read yet must not be rotated away: of two rotations between two batches the first is not seen.
 */
import { stat } from 'node:fs/promises';
import { FileError } from './files.ts';
import { type Lines, LineSplitter } from './line-splitter.ts';
import { findCopy } from './rotated-copy.ts';
import { isSame, MARK, TailedFile } from './tailed-file.ts';

export interface TailOptions {
  readonly path: string;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Bytes of a line that are kept. */
  readonly maxLine?: number;
  /** Bytes read in one batch, about; when more have come, the rest is skipped and counted. */
  readonly maxBatch?: number;
  /** A renamed file is given up when nothing has come from it for this long, ms. */
  readonly lingerMs?: number;
}

/** What became of a batch: read to the end of the file; there is no file of that name; more is there, for the next batch. */
export type Ending = 'end' | 'missing' | 'more';

/** Since the tail was made. */
export interface TailCounts {
  readonly bytes: number;
  /** Bytes that were skipped because too many had come. */
  readonly skippedBytes: number;
  /** Rotations seen: the name is another file's, or nobody's; the file was truncated. */
  readonly renamed: number;
  readonly truncated: number;
}

interface Reader {
  readonly file: TailedFile;
  readonly splitter: LineSplitter;
  /** When bytes came last, ms of the clock. */
  active: number;
  /**
   * It was truncated and is still empty: what comes may go on with the line that has begun, behind a hole, or begin at the start.
   */
  undecided?: boolean;
}

const CHUNK = 128 << 10;
/** Renamed files that are read on, and given up ones that would be known again. */
const MOST_OLD = 4;

export class Tail {
  readonly #o: Required<TailOptions>;
  readonly #buffer = Buffer.allocUnsafeSlow(MARK + CHUNK);
  #started = false;
  #current: Reader | undefined;
  #old: Reader[] = [];
  #given: Reader[] = [];
  readonly #counts = { bytes: 0, skippedBytes: 0, renamed: 0, truncated: 0 };
  /** Where `#counts.bytes` may be at the end of this batch, about. */
  #most = 0;

  constructor(options: TailOptions) {
    this.#o = { maxLine: 8192, maxBatch: 16 << 20, lingerMs: 30_000, ...options };
  }

  get counts(): TailCounts {
    return this.#counts;
  }

  /**
   * One batch, ended early by `signal`; its lines go to `take`, in the order of each file. Rejects with FileError; lines that
   * `take` has got by then are not given again. Not to be called while it runs.
   */
  async read(take: (lines: Lines) => void, signal: AbortSignal): Promise<Ending> {
    this.#most = this.#counts.bytes + this.#o.maxBatch;
    const give = (lines: Lines) => {
      if (lines.lines.length > 0) take(lines);
    };
    if (this.#current !== undefined && !(await this.#isNamed(this.#current))) {
      this.#counts.renamed++;
      this.#current.active = this.#o.clock();
      this.#old.push(this.#current);
      this.#current = undefined;
    }
    // First what is left in old files: a new one may be a copy.
    for (const reader of this.#old) await this.#advanceOld(reader, give, signal);
    if (signal.aborted) return 'more';
    this.#current ??= await this.#open();
    this.#started = true;
    if (this.#current !== undefined) await this.#advance(this.#current, give, signal);
    if (signal.aborted) return 'more';
    await this.#giveUp(give);
    return this.#current === undefined ? 'missing' : 'end';
  }

  async close(): Promise<void> {
    const open = [...this.#old, ...(this.#current === undefined ? [] : [this.#current])];
    this.#old = [];
    this.#current = undefined;
    await Promise.all(open.map(({ file }) => file.close()));
  }

  /** Whether the name is still that of this file. */
  async #isNamed({ file }: Reader): Promise<boolean> {
    try {
      return isSame(file.identity, await stat(this.#o.path, { bigint: true }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw new FileError('read', this.#o.path, error);
    }
  }

  async #open(): Promise<Reader | undefined> {
    const file = await TailedFile.open(this.#o.path);
    if (file === undefined) return undefined;
    const again = this.#old.find((r) => isSame(r.file.identity, file.identity));
    if (again !== undefined) {
      await file.close();
      this.#old = this.#old.filter((r) => r !== again);
      return again;
    }
    try {
      return { file, splitter: await this.#place(file), active: this.#o.clock() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Goes to where reading of a file that was opened now begins. @returns what makes lines of it */
  async #place(file: TailedFile): Promise<LineSplitter> {
    const origin = await this.#originOf(file);
    if (origin !== undefined) {
      await file.seek(origin.file.offset);
      return origin.splitter;
    }
    const splitter = new LineSplitter(this.#o.maxLine);
    if (!this.#started) splitter.restart(await file.seek(await file.size()));
    return splitter;
  }

  /**
   * What was read already and is in `file`: it was given back its name, or copied (an editor does so). It is followed no more.
   */
  async #originOf(file: TailedFile): Promise<Reader | undefined> {
    for (const reader of [...this.#old, ...this.#given].reverse()) {
      if (!(await reader.file.isCopiedIn(file))) continue;
      if (this.#old.includes(reader)) await reader.file.close();
      this.#old = this.#old.filter((r) => r !== reader);
      this.#given = this.#given.filter((r) => r !== reader);
      return reader;
    }
    return undefined;
  }

  /** A renamed file that can't be read any more is given up: it must not hold up the one that has the name. */
  async #advanceOld(reader: Reader, give: (lines: Lines) => void, signal: AbortSignal): Promise<void> {
    try {
      await this.#advance(reader, give, signal);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#old = this.#old.filter((r) => r !== reader);
      await reader.file.close();
    }
  }

  /** Reads to the end of the file. */
  async #advance(reader: Reader, give: (lines: Lines) => void, signal?: AbortSignal): Promise<void> {
    const { file, splitter } = reader;
    while (signal?.aborted !== true) {
      if (this.#counts.bytes >= this.#most) return await this.#skip(reader);
      const step = await file.step(this.#buffer, (chunk) => {
        // Behind a hole a line may go on; in a file that begins again it can't.
        if (reader.undecided === true && file.offset === chunk.length) give(splitter.end());
        reader.undecided = false;
        reader.active = this.#o.clock();
        this.#counts.bytes += chunk.length;
        give(splitter.push(chunk));
      });
      if (step === 'end') return;
      if (step === 'more') continue;
      this.#counts.truncated++;
      const copy = await findCopy(file, this.#o.path);
      file.restart(step);
      if (copy !== undefined) {
        try {
          // To its end, whatever the signal: it is not found again.
          await this.#advance({ ...reader, file: copy }, give);
        } finally {
          await copy.close();
        }
      }
      reader.undecided = step === 'truncated';
    }
  }

  async #skip({ file, splitter }: Reader): Promise<void> {
    const behind = (await file.size()) - file.offset;
    if (behind <= 0) return;
    this.#counts.skippedBytes += behind;
    splitter.restart(await file.seek(file.offset + behind));
  }

  /** Ends renamed files that are quiet, and the oldest of too many. */
  async #giveUp(give: (lines: Lines) => void): Promise<void> {
    const due = this.#o.clock() - this.#o.lingerMs;
    const quiet = this.#old.filter((r, i) => r.active <= due || i < this.#old.length - MOST_OLD);
    if (quiet.length === 0) return;
    this.#old = this.#old.filter((r) => !quiet.includes(r));
    for (const reader of quiet) {
      give(reader.splitter.end());
      await reader.file.close();
    }
    this.#given = [...this.#given, ...quiet].slice(-MOST_OLD);
  }
}
