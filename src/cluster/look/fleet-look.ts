/**
 * The whole cluster for whoever looks: read by a thread that is started when somebody does, and ended when nobody has for a
 * while. However many look, etcd is read at most every two seconds.
 */
import type { Worker } from 'node:worker_threads';
import type { EtcdSettings } from '../../model/plan.ts';
import { endThread, startThread } from '../../sys/worker.ts';
import type { MissingSince } from '../roster/presence.ts';
import type { FromLook, LookInit, ToLook } from './messages.ts';

export interface FleetLookParts {
  readonly cluster: string;
  readonly etcd: EtcdSettings;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** ms since 1970. */
  readonly wall: () => number;
}

/** What was read last. */
export interface Looked {
  /** Another number, another answer. */
  readonly number: number;
  /** `FleetStatus` as JSON; '' = it has not been read yet. */
  readonly status: string;
  /** When it was read: ms since 1970, 0 = never. */
  readonly at: number;
  /** Why it was not read again; '' = it was. */
  readonly error: string;
}

const LEAST_MS = 2000;
const IDLE_MS = 90_000;
/** etcd is asked for 9 s at most; what it has is unpacked then. */
const PATIENCE_MS = 15_000;
const STOP_MS = 1000;
/** A thousand servers, and a release of 60 000 real servers. */
const LIMITS = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 16 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./look.worker${import.meta.filename.slice(-3)}`, import.meta.url);

export class FleetLook {
  readonly #p: FleetLookParts;
  #looked: Looked = { number: 0, status: '', at: 0, error: '' };
  #askedAt = Number.NEGATIVE_INFINITY;
  #asked: Promise<Looked> | undefined;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #take: ((answer: FromLook) => void) | undefined;

  constructor(parts: FleetLookParts) {
    this.#p = parts;
  }

  /**
   * The cluster as it is now, or was two seconds ago.
   * @param refusal why it is not read now, but what was read last is shown; '' = it is read
   */
  look(since: MissingSince, refusal: string): Promise<Looked> {
    const now = this.#p.clock();
    if (this.#asked !== undefined && now - this.#askedAt < LEAST_MS) return this.#asked;
    if (this.#take !== undefined) return this.#asked!;
    this.#askedAt = now;
    this.#asked = (refusal === '' ? this.#read(since) : Promise.resolve({ error: refusal })).then((answer) => this.#keep(answer));
    return this.#asked;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) await endThread(worker, { type: 'stop' } satisfies ToLook, STOP_MS);
  }

  #keep(answer: FromLook): Looked {
    const { number, status, at } = this.#looked;
    const next = number + 1;
    this.#looked =
      'status' in answer
        ? { number: next, status: answer.status, at: this.#p.wall(), error: '' }
        : { number: next, status, at, error: answer.error };
    return this.#looked;
  }

  async #read(since: MissingSince): Promise<FromLook> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve } = Promise.withResolvers<FromLook>();
    this.#take = resolve;
    const late = setTimeout(() => {
      resolve({ error: `the cluster was not read within ${PATIENCE_MS / 1000} s` });
      void this.stop();
    }, PATIENCE_MS).unref();
    worker.postMessage({ type: 'look', since } satisfies ToLook);
    const answer = await promise;
    clearTimeout(late);
    this.#take = undefined;
    this.#idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    return answer;
  }

  #start(): Worker {
    const { cluster, etcd } = this.#p;
    const worker = startThread<FromLook>(ENTRY, {
      workerData: { cluster, etcd } satisfies LookInit,
      name: 'look',
      resourceLimits: LIMITS,
      heard: (answer) => this.#take?.(answer),
      ended: (gone, error) => {
        if (this.#worker !== gone) return;
        this.#worker = undefined;
        this.#take?.({ error: `the thread that reads the cluster ended: ${error ?? 'it was ended'}` });
      },
    });
    worker.unref();
    return worker;
  }
}
