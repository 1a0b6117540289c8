/**
 * The judge's handle of the thread that reads configurations. It is started when there is something to read, and ended when it
 * idles.
 */
import { Worker } from 'node:worker_threads';
import type { LoadAnswer, LoadRequest } from './messages.ts';

export interface ConfigThreadLimits {
  /** How long a file may take, ms. */
  readonly loadMs: number;
  /** How long the thread waits for the next one, ms. */
  readonly idleMs: number;
}

const LIMITS: ConfigThreadLimits = { loadMs: 60_000, idleMs: 60_000 };
/** The heap that a file may need. */
const HEAP = { maxOldGenerationSizeMb: 1024 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./config.worker${import.meta.filename.slice(-3)}`, import.meta.url);

export class ConfigThread {
  readonly #limits: ConfigThreadLimits;
  #worker: Worker | undefined;
  #waiting: { readonly resolve: (answer: LoadAnswer) => void; readonly reject: (error: Error) => void } | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  /** Reads, checks and compares a file. One at a time. Rejects when the thread does not answer. */
  async load(request: LoadRequest): Promise<LoadAnswer> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<LoadAnswer>();
    const { loadMs, idleMs } = this.#limits;
    const late = setTimeout(() => {
      reject(new Error(`the configuration could not be read within ${loadMs / 1000} s; nothing was changed`));
      void this.stop();
    }, loadMs);
    const waiting = { resolve, reject };
    this.#waiting = waiting;
    worker.postMessage(request);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      if (this.#waiting === waiting) {
        this.#waiting = undefined;
        this.#idle = setTimeout(() => void this.stop(), idleMs).unref();
      }
    }
  }

  /** Ends the thread, whatever it does. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#giveUp('its thread was ended');
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { name: 'config', resourceLimits: HEAP, stdout: true, stderr: true });
    worker.stdout.resume();
    worker.stderr.resume();
    let reason = 'its thread has ended';
    worker.on('message', (answer: LoadAnswer) => this.#worker === worker && this.#waiting?.resolve(answer));
    worker.on('error', (error) => (reason = error.message));
    worker.once('exit', () => {
      // One that was told to end has a successor by now.
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#giveUp(reason);
    });
    worker.unref();
    return worker;
  }

  #giveUp(reason: string): void {
    this.#waiting?.reject(new Error(`the configuration could not be read: ${reason}; nothing was changed`));
  }
}
