/**
 * Writes what a server reports of itself into etcd: the newest value only, tried again for ever. That it can't report is no
 * reason for a server to change what it runs.
 */
import { Backoff, spread } from '../../model/backoff.ts';
import { writeBack } from '../applied/write-back.ts';
import { keyOf } from '../keys.ts';
import type { Store } from '../store/store.ts';
import { put } from '../txn-plan.ts';
import type { Applied } from '../values.ts';

type Etcd = Pick<Store, 'get' | 'commit'>;

export interface WriterParts {
  readonly server: string;
  /** undefined: there is no etcd now. */
  readonly etcd: () => Etcd | undefined;
  /** For people only, ISO 8601. */
  readonly at: () => string;
  /** Something was written, or could not be. */
  readonly told: () => void;
}

interface Report {
  readonly value: Applied;
  /** Of the pointer. */
  readonly ring: string;
}

const FIRST_MS = 200;
const LONGEST_MS = 15_000;

export class Writer {
  readonly #p: WriterParts;
  readonly #backoff = new Backoff(FIRST_MS, LONGEST_MS);
  readonly #poison = new Map<string, string>();
  #report: Report | undefined;
  #running = false;
  #stopped = false;
  #wake: (() => void) | undefined;
  #error = '';

  constructor(parts: WriterParts) {
    this.#p = parts;
  }

  /** Why the last try failed; '' = it did not. */
  get error(): string {
    return this.#error;
  }

  /** Whether something is not in etcd yet. */
  get pending(): boolean {
    return this.#report !== undefined || this.#poison.size > 0;
  }

  report(value: Applied, ring: string): void {
    this.#report = { value, ring };
    this.again();
  }

  /** Nobody is to try this root again. */
  poison(root: string, why: string): void {
    this.#poison.set(root, why);
    this.again();
  }

  /** Tries now what is still to be written. */
  again(): void {
    this.#backoff.reset();
    this.#wake?.();
    if (!this.#running && !this.#stopped) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    while (!this.#stopped && this.pending) {
      const etcd = this.#p.etcd();
      if (etcd === undefined) break;
      try {
        await this.#write(etcd);
        this.#error = '';
        this.#backoff.reset();
      } catch (error) {
        this.#error = (error as Error).message;
        this.#p.told();
        await this.#pause(spread(this.#backoff.next(), Math.random()));
      }
    }
    this.#running = false;
    this.#p.told();
  }

  async #write(etcd: Etcd): Promise<void> {
    const { server, at } = this.#p;
    for (const [root, why] of this.#poison) {
      const key = keyOf('poison', root);
      // Who found it first is kept.
      await etcd.commit({ compare: [{ key, create: 0 }], writes: [put('poison', [root], { by: server, at: at(), why })] });
      this.#poison.delete(root);
    }
    const report = this.#report;
    if (report === undefined) return;
    const { value, ring } = report;
    for (;;) {
      const [own, pointer] = await Promise.all([etcd.get(keyOf('applied', server)), etcd.get(keyOf('target', ring))]);
      // Of another pointer: what follows from that one is reported when it is known here.
      if (pointer?.mod !== value.seen) break;
      if ((await etcd.commit(writeBack(server, ring, value, own?.mod ?? 0))).done) break;
    }
    if (this.#report === report) this.#report = undefined;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
