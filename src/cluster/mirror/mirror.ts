/**
 * A local view of ranges of etcd that never loses and never invents a revision, whatever members, network and compaction do.
 * While etcd is ill nothing is dropped: what was seen last stands, and is reported as stale.
 */
import { type Dial, isLasting, type Link } from '../transport/link.ts';
import type { KeyRange } from '../wire/kv.ts';
import { Book, type Tally } from './book.ts';
import type { Batch } from './changes.ts';
import { pauseMs } from './pause.ts';
import { RenewedError, session, type Times } from './session.ts';

export interface MirrorOptions {
  readonly endpoints: readonly string[];
  readonly dial: Dial;
  readonly ranges: readonly KeyRange[];
  /** Monotonic ms. */
  readonly clock: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** What differs from `TIMES`. */
  readonly times?: Partial<Times>;
  readonly page?: number;
}

export interface MirrorState {
  /** All ranges are complete and watched. */
  readonly connected: boolean;
  /** The member asked last. */
  readonly endpoint: string;
  /** Why it is not connected; '' when it is. */
  readonly error: string;
  /** Only a person ends it: rights, users. */
  readonly lasting: boolean;
}

export interface MirrorEvents {
  /** @returns a promise when no more is wanted until it resolves */
  batch(range: number, batch: Batch): Promise<void> | undefined;
  state(state: MirrorState): void;
}

const TIMES: Times = { connectMs: 2000, callMs: 5000, silenceMs: 10_000, certificatesMs: 60_000 };
/** 100 000 keys of 200 bytes: 2.9 s with pages of 2000, 8 s with 500; an answer of 2000 values of 8 kB is 16 MB. */
const PAGE = 2000;
/** A connection that lasted so long is forgiven its former failures. */
const FORGIVE_MS = 5000;

export class Mirror {
  readonly #o: MirrorOptions;
  readonly #on: MirrorEvents;
  readonly #books: readonly Book[];
  #stopping = false;
  #link: Link | undefined;
  #wake: (() => void) | undefined;
  #connects = 0;
  #heardAt: number;

  constructor(options: MirrorOptions, on: MirrorEvents) {
    this.#o = options;
    this.#on = on;
    this.#books = options.ranges.map((range) => new Book(range));
    this.#heardAt = options.clock();
  }

  /** When a member last answered, ms of the clock; before the first answer, when the mirror was made. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Connections made so far. */
  get connects(): number {
    return this.#connects;
  }

  /** Up to which revision each range is complete, how many keys it has, and what came of it. */
  ranges(): readonly { readonly revision: number; readonly keys: number; readonly tally: Readonly<Tally> }[] {
    return this.#books.map(({ revision, size: keys, tally }) => ({ revision, keys, tally }));
  }

  /** Runs until `stop`; never rejects. */
  async run(): Promise<void> {
    const { endpoints, clock, random } = this.#o;
    let next = Math.floor(random() * endpoints.length);
    let failures = 0;
    while (!this.#stopping) {
      const endpoint = endpoints[next++ % endpoints.length]!;
      const began = clock();
      const error = await this.#connect(endpoint);
      if (error instanceof RenewedError) continue;
      failures = clock() - began > FORGIVE_MS ? 1 : failures + 1;
      const lasting = isLasting(error);
      if (!this.#stopping) this.#on.state({ connected: false, endpoint, error: error.message, lasting });
      await this.#wait(pauseMs(failures, endpoints.length, lasting, random()));
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#link?.close();
    this.#wake?.();
  }

  /** Resolves with why the connection ended. */
  async #connect(endpoint: string): Promise<Error> {
    const { dial, clock, page = PAGE, times } = this.#o;
    try {
      const link = (this.#link = await dial(endpoint));
      this.#connects++;
      try {
        if (this.#stopping) throw new Error('stopped');
        const heard = () => void (this.#heardAt = clock());
        const complete = () => this.#on.state({ connected: true, endpoint, error: '', lasting: false });
        const take = (range: number, batch: Batch) => this.#on.batch(range, batch);
        return await session({ link, books: this.#books, times: { ...TIMES, ...times }, page, clock, take, heard, complete });
      } finally {
        this.#link = undefined;
        link.close();
      }
    } catch (error) {
      return error as Error;
    }
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}
