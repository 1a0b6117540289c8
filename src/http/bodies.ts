/**
 * Answers rendered of one moment of the agent: each is made once, however many ask, and shared by those it is being sent to. One
 * is made at a time, and none while answers that are still being sent hold too much memory: readers that dawdle cost a wait, not
 * the memory.
 */
import { FourlaneError } from '../model/errors.ts';

/** An answer that is being sent. `release` must be called once when it has been, or has failed to be. */
export interface Body {
  readonly bytes: Buffer;
  release(): void;
}

/** What a renderer makes. `free`: the memory is not needed any more. */
export interface Made {
  readonly bytes: Buffer;
  readonly free?: () => void;
}

export interface BodyLimits {
  /** Bytes of answers above which no further one is made. */
  readonly mostBytes: number;
  /** Answers kept for the present moment. */
  readonly mostKeys: number;
  /** How long somebody waits for memory, ms. */
  readonly patienceMs: number;
}

export const BODY_LIMITS: BodyLimits = { mostBytes: 48 << 20, mostKeys: 64, patienceMs: 5000 };

interface Entry {
  readonly moment: number;
  readonly making: Promise<Made>;
  size: number;
  holders: number;
  /** Nobody can ask for it any more. */
  dropped: boolean;
  free: (() => void) | undefined;
}

export class Bodies {
  readonly #limits: BodyLimits;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** Ends when the rendering before it has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(limits: BodyLimits = BODY_LIMITS) {
    this.#limits = limits;
  }

  /** Bytes of all answers that are kept or being sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The answer `key` of this moment, made by `make` unless it is there. `make` must not take another body.
   * @throws FourlaneError OVERLOADED when there was no memory for it in time, or what `make` throws
   */
  async take(moment: number, key: string, make: () => Made): Promise<Body> {
    let entry = this.#entries.get(key);
    if (entry === undefined || entry.moment !== moment) {
      if (entry !== undefined) this.#drop(key, entry);
      entry = this.#add(moment, key, make);
    }
    const held = entry;
    held.holders++;
    try {
      const { bytes } = await held.making;
      return { bytes, release: () => this.#release(held) };
    } catch (error) {
      held.holders--;
      throw error;
    }
  }

  #add(moment: number, key: string, make: () => Made): Entry {
    const making = this.#turn.then(() => this.#make(entry, make));
    this.#turn = making.catch(() => undefined);
    const entry: Entry = { moment, making, size: 0, holders: 0, dropped: false, free: undefined };
    this.#entries.set(key, entry);
    making.catch(() => this.#drop(key, entry));
    this.#trim();
    return entry;
  }

  async #make(entry: Entry, make: () => Made): Promise<Made> {
    // In a turn of its own: requests that have been read from their sockets join in, and what is quickly answered is not held up
    // for long.
    await new Promise(setImmediate);
    await this.#room();
    const made = make();
    entry.size = made.bytes.byteLength;
    entry.free = made.free;
    this.#bytes += entry.size;
    return made;
  }

  async #room(): Promise<void> {
    const { mostBytes, patienceMs } = this.#limits;
    const end = performance.now() + patienceMs;
    while (this.#bytes > mostBytes) {
      for (const [key, entry] of this.#entries) if (entry.holders === 0) this.#drop(key, entry);
      if (this.#bytes <= mostBytes) return;
      if (performance.now() > end)
        throw new FourlaneError('OVERLOADED', 'too much is being sent to readers that take it slowly; try again');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now() + 1);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Too many different questions about one moment: the oldest answers that nobody reads go. */
  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.mostKeys) return;
      if (entry.holders === 0 && entry.size > 0) this.#drop(key, entry);
    }
  }

  #drop(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    if (entry.dropped) return;
    entry.dropped = true;
    if (entry.holders === 0) this.#forget(entry);
  }

  #release(entry: Entry): void {
    entry.holders--;
    if (entry.holders === 0 && entry.dropped) this.#forget(entry);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #forget(entry: Entry): void {
    this.#bytes -= entry.size;
    entry.free?.();
    entry.size = 0;
    entry.free = undefined;
  }
}
