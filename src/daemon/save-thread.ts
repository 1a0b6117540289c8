/**
 * The judge's handle of the thread that saves the state. It is started by the first save that is left to it: a small agent has
 * no such thread, since its file is made in a moment.
 */
import type { Worker } from 'node:worker_threads';
import type { JudgeState } from '../judge/judge.ts';
import { startThread } from '../sys/worker.ts';

export interface SaveInit {
  readonly directory: string;
  readonly boot: string;
}

/** What is saved, copied at one moment. `plan`, as bytes, comes when it is another than the last time. */
export interface SaveRequest {
  readonly plan?: SharedArrayBuffer;
  readonly state: Omit<JudgeState, 'topology'>;
  readonly applied: unknown;
}

/** '' or why it was not saved. */
export interface Saved {
  readonly error: string;
}

/** A thread that has not answered for so long hangs, ms. */
const PATIENCE_MS = 60_000;
const LIMITS = { maxOldGenerationSizeMb: 768, maxYoungGenerationSizeMb: 8 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./save.worker${import.meta.filename.slice(-3)}`, import.meta.url);

export class SaveThread {
  readonly #init: SaveInit;
  #worker: Worker | undefined;
  #plan: SharedArrayBuffer | undefined;
  #waiting: { readonly resolve: (saved: Saved) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(init: SaveInit) {
    this.#init = init;
  }

  /**
   * Copies the state, now, and saves the copy. One at a time.
   * @param plan the plan that the state is of
   * @throws Error why it was not saved; rejects when the thread has failed
   */
  async save(state: JudgeState, applied: unknown, plan: SharedArrayBuffer): Promise<void> {
    const worker = (this.#worker ??= this.#start());
    const { topology: _, ...rest } = state;
    const request: SaveRequest = { state: rest, applied, ...(plan === this.#plan ? {} : { plan }) };
    this.#plan = plan;
    worker.postMessage(request);
    const { promise, resolve, reject } = Promise.withResolvers<Saved>();
    this.#waiting = { resolve, reject };
    const late = setTimeout(() => void worker.terminate(), PATIENCE_MS);
    try {
      const { error } = await promise;
      if (error !== '') throw new Error(error);
    } finally {
      clearTimeout(late);
      this.#waiting = undefined;
    }
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = startThread<Saved>(ENTRY, {
      workerData: this.#init,
      name: 'save',
      resourceLimits: LIMITS,
      heard: (saved) => this.#waiting?.resolve(saved),
      ended: (_, error) => {
        this.#worker = undefined;
        this.#plan = undefined;
        this.#waiting?.reject(new Error(error ?? 'the thread that saves it has ended'));
      },
    });
    worker.unref();
    return worker;
  }
}
