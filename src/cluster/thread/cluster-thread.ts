/**
 * The judge's handle of the thread that talks to etcd: starts it, takes what it mirrors page by page, and starts it again after a
 * crash. What is known stays known meanwhile, and is stale.
 */
import type { Worker } from 'node:worker_threads';
import { Backoff } from '../../model/backoff.ts';
import type { EtcdSettings } from '../../model/plan.ts';
import { endThread, startThread } from '../../sys/worker.ts';
import type { LeaseState } from '../lease/lease.ts';
import type { Change } from '../mirror/changes.ts';
import { Replica } from '../mirror/replica.ts';
import type { Items } from '../mirror/table.ts';
import type { Asked } from '../transport/caller.ts';
import { RpcError } from '../transport/link.ts';
import type { Method } from '../wire/methods.ts';
import type { ClusterInit, FromCluster, Standing, ToCluster, Watched } from './messages.ts';
import { PageMemory, readPage } from './pages.ts';

export interface ClusterThreadOptions {
  readonly etcd: EtcdSettings;
  readonly ranges: readonly Watched[];
  /** Monotonic ms. */
  readonly clock: () => number;
  /**
   * Changes of a range, in order; at most a page. Not complete: more of the same moment follows. Values are there until it
   * returns: the next page is written over them.
   */
  readonly changed: (range: number, changes: readonly Change[], complete: boolean) => void;
  /** The connection to etcd, or the lease, is in another state. */
  readonly told: () => void;
  /** The thread ended; it is started again after this pause, ms. */
  readonly crashed: (reason: string, pauseMs: number) => void;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** How long a thread that was told to stop may take. */
const STOP_MS = 3000;
/** A thread that has run this long is forgiven its former crashes. */
const FORGIVE_MS = 60_000;
/** What 100 000 keys need while they are read; an idle one keeps to a few MB. */
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 2 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./cluster.worker${import.meta.filename.slice(-3)}`, import.meta.url);

interface Waiting {
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class ClusterThread {
  readonly #o: ClusterThreadOptions;
  readonly #replicas: readonly Replica[];
  readonly #pages = new PageMemory();
  readonly #held = new Map<string, Uint8Array>();
  readonly #calls = new Map<number, Waiting>();
  readonly #backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  #worker: Worker | undefined;
  #retry: NodeJS.Timeout | undefined;
  #standing: Standing | undefined;
  #lease: LeaseState | undefined;
  #startedAt = 0;
  #restarts = 0;
  #lastCall = 0;
  #stopping = false;

  constructor(options: ClusterThreadOptions) {
    this.#o = options;
    this.#replicas = options.ranges.map(() => new Replica());
    this.#start();
  }

  get names(): readonly string[] {
    return this.#o.ranges.map(({ name }) => name);
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** As it was reported last; undefined before the first report. */
  get standing(): Standing | undefined {
    return this.#standing;
  }

  /** Undefined: nothing is held. */
  get lease(): LeaseState | undefined {
    return this.#lease;
  }

  /** Monotonic ms since when nothing is known of etcd; undefined: what is known is of now. */
  get staleSince(): number | undefined {
    const { state, heardAt } = this.#standing ?? { heardAt: this.#startedAt };
    return state?.connected ? undefined : heardAt;
  }

  /** Keys and values of a range, up to its revision. */
  items(range: number): Items {
    return this.#replicas[range]!.items;
  }

  /** A key is to be there with this value while we live. */
  hold(key: string, value: Uint8Array): void {
    this.#held.set(key, value);
    this.#post({ type: 'hold', key, value });
  }

  /** Rejects with RpcError, or Error when there is no thread or no certificate. */
  call(method: Method, request: Uint8Array, asked: Asked): Promise<Buffer> {
    if (this.#worker === undefined) return Promise.reject(new Error('the thread of the cluster is not running'));
    const id = ++this.#lastCall;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#calls.set(id, { resolve, reject });
    this.#post({ type: 'call', id, method, request, asked });
    return promise;
  }

  /** With `revoke` the keys that were held are gone at once, otherwise when the lease ends. */
  async stop({ revoke = false } = {}): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    if (this.#worker !== undefined) await endThread(this.#worker, { type: 'stop', revoke } satisfies ToCluster, STOP_MS);
  }

  #post(message: ToCluster): void {
    this.#worker?.postMessage(message);
  }

  #start(): void {
    const { etcd, ranges, clock } = this.#o;
    this.#worker = startThread<FromCluster>(ENTRY, {
      workerData: { etcd, ranges, pages: this.#pages.buffer } satisfies ClusterInit,
      name: 'cluster',
      resourceLimits: LIMITS,
      heard: (message) => this.#heard(message),
      ended: (_, error) => this.#ended(error ?? 'it ended'),
    });
    this.#startedAt = clock();
    this.#worker.unref();
    for (const replica of this.#replicas) replica.renewed();
    for (const [key, value] of this.#held) this.#post({ type: 'hold', key, value });
  }

  #ended(reason: string): void {
    this.#worker = undefined;
    for (const { reject } of this.#calls.values()) reject(new Error(`the thread of the cluster ended: ${reason}`));
    this.#calls.clear();
    if (this.#standing !== undefined) this.#standing = { ...this.#standing, state: undefined };
    if (this.#stopping) return;
    const { clock, crashed, told } = this.#o;
    this.#restarts++;
    if (clock() - this.#startedAt > FORGIVE_MS) this.#backoff.reset();
    const pause = this.#backoff.next();
    crashed(reason, pause);
    told();
    this.#retry = setTimeout(() => this.#start(), pause).unref();
  }

  #heard(message: FromCluster): void {
    switch (message.type) {
      case 'page': {
        const { range, last } = message.page;
        this.#o.changed(range, this.#replicas[range]!.apply(readPage(this.#pages, message.page)), last);
        return this.#post({ type: 'taken' });
      }
      case 'standing': {
        const before = this.#standing?.state;
        this.#standing = message.standing;
        if (JSON.stringify(before) !== JSON.stringify(message.standing.state)) this.#o.told();
        return;
      }
      case 'lease':
        this.#lease = message.lease;
        return this.#o.told();
      case 'answer':
        return this.#settle(message.id, ({ resolve }) => resolve(Buffer.from(message.answer)));
      case 'refused': {
        const { id, code, message: text } = message;
        return this.#settle(id, ({ reject }) => reject(code === undefined ? new Error(text) : new RpcError(code, text)));
      }
    }
  }

  #settle(id: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    if (waiting !== undefined) settle(waiting);
  }
}
