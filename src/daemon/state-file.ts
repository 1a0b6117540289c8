/**
 * What survives kill -9: one JSON file in stateDir, replaced atomically. A file that can't be used is set aside under a name that
 * says why, never deleted and never fatal.
 */
import { createHash } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FourlaneError } from '../model/errors.ts';
import { readIfExists, removeLeftovers, writeAtomic } from '../sys/files.ts';
import { bootId } from '../sys/machine.ts';

export interface SavedState {
  /** Monotonic ms of the pass after which it was as it is: its ages count from then. */
  readonly t: number;
  readonly judge: unknown;
  readonly applied: unknown;
}

export type Loaded =
  | { readonly state: SavedState }
  /** `reason`: '' when there was no file. `code`: when that is an error, and not a boot in between. */
  | { readonly state: undefined; readonly reason: string; readonly code?: 'STATE_DAMAGED' };

const VERSION = 1;
const MAX_BYTES = 256 << 20;

export class StateFile {
  readonly path: string;
  /** The machine's boot that the file is of. */
  readonly boot: string;
  #writing: Promise<void> | undefined;
  #next: (() => Promise<void>) | undefined;
  /** '' or why the last write failed. */
  error = '';
  readonly #failed: (error: FourlaneError) => void;

  /** @param failed called with STATE_UNWRITABLE, once for each new reason that a write failed */
  constructor(directory: string, failed: (error: FourlaneError) => void, boot = bootId()) {
    this.path = join(directory, 'state.json');
    this.#failed = failed;
    this.boot = boot;
  }

  /** The saved state; else the reason there is none ('' when there was no file). */
  async load(): Promise<Loaded> {
    let bytes: Buffer | undefined;
    await removeLeftovers(this.path);
    try {
      bytes = await readIfExists(this.path, MAX_BYTES);
    } catch (error) {
      return { state: undefined, reason: (error as Error).message, code: 'STATE_DAMAGED' };
    }
    if (bytes === undefined) return { state: undefined, reason: '' };
    try {
      const { boot, state } = this.#parse(bytes.toString('utf8'));
      if (boot === this.boot) return { state };
      const reason = await this.setAside('it is from before the last boot, when the data plane was another');
      return { state: undefined, reason };
    } catch (error) {
      return { state: undefined, reason: await this.setAside((error as Error).message), code: 'STATE_DAMAGED' };
    }
  }

  #parse(text: string): { readonly boot: string | undefined; readonly state: SavedState } {
    const newline = text.indexOf('\n');
    const head = JSON.parse(text.slice(0, newline)) as { version?: number; boot?: string; sha256?: string };
    const body = text.slice(newline + 1);
    if (head.version !== VERSION) throw new Error(`it has version ${head.version}, this agent reads ${VERSION}`);
    if (head.sha256 !== sha256(body)) throw new Error('its checksum does not match: it is damaged');
    return { boot: head.boot, state: JSON.parse(body) as SavedState };
  }

  /** Writes this state, now. Rejects when it can't. Two at a time must not be written: see `save`. */
  async write(saved: SavedState): Promise<void> {
    const body = JSON.stringify(saved);
    const head = JSON.stringify({ version: VERSION, boot: this.boot, sha256: sha256(body) });
    await mkdir(join(this.path, '..'), { recursive: true });
    await writeAtomic(this.path, `${head}\n${body}`);
  }

  /** Renames the file away. @returns a sentence for the log. */
  async setAside(why: string): Promise<string> {
    const aside = `${this.path}.set-aside`;
    try {
      await rename(this.path, aside);
      return `state file not used, because ${why}; kept as ${aside}`;
    } catch (error) {
      return `state file not used, because ${why}; it could not be renamed: ${(error as Error).message}`;
    }
  }

  /** Writes soon; while a write is under way only the latest request counts. Never rejects: see `error` and `failed`. */
  save(make: () => SavedState): Promise<void> {
    return this.saveBy(async () => this.write(make()));
  }

  /** As `save`, where `write` does the writing; it may reject. */
  saveBy(write: () => Promise<void>): Promise<void> {
    this.#next = write;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#next) {
      const write = this.#next;
      this.#next = undefined;
      try {
        await write();
        this.error = '';
      } catch (error) {
        const { message } = error as Error;
        // The temporary file's random name would make every failure look new.
        if (message !== this.error)
          this.#failed(new FourlaneError('STATE_UNWRITABLE', `state is not saved: ${message}`, { cause: error }));
        this.error = message;
      }
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
