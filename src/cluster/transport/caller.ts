/** Calls to whichever member answers: the one that did last, after a failure the next. */
import type { Method } from '../wire/methods.ts';
import { type Dial, isLasting, isOfRequest, type Link } from './link.ts';

export interface CallerOptions {
  readonly endpoints: readonly string[];
  readonly dial: Dial;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** 0 ≤ x < 1: where to begin. */
  readonly random: () => number;
}

/** Longest pause before the next member is asked. */
const PAUSE_MS = 100;

/** How a call is made: `link.call`, or the first answer of a stream. */
type Way = 'call' | 'first';

export interface Asked {
  readonly timeoutMs: number;
  /**
   * How long other members are asked after a failure, ms from the beginning. Only for what may be done twice: reads, and
   * transactions that compare. Default: not at all.
   */
  readonly againForMs?: number;
  readonly way?: Way;
}

export class Caller {
  readonly #o: CallerOptions;
  #next: number;
  #link: Promise<Link> | undefined;
  #closed = false;

  constructor(options: CallerOptions) {
    this.#o = options;
    this.#next = Math.floor(options.random() * options.endpoints.length);
  }

  /** Rejects with the last failure, an RpcError or why the certificates can't be read. */
  async call(method: Method, request: Buffer, { timeoutMs, againForMs = 0, way = 'call' }: Asked): Promise<Buffer> {
    const until = this.#o.clock() + againForMs;
    for (;;) {
      const using = (this.#link ??= this.#dial());
      try {
        return await (await using)[way](method, request, timeoutMs);
      } catch (error) {
        if (isOfRequest(error)) throw error;
        this.#drop(using);
        if (this.#closed || isLasting(error) || this.#o.clock() >= until) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * this.#o.random()));
      }
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#link !== undefined) this.#drop(this.#link);
  }

  #dial(): Promise<Link> {
    const { endpoints, dial } = this.#o;
    return dial(endpoints[this.#next++ % endpoints.length]!);
  }

  #drop(link: Promise<Link>): void {
    if (this.#link === link) this.#link = undefined;
    link.then(
      (made) => made.close(),
      () => undefined,
    );
  }
}
