/**
 * The judge's handle of the thread that serves HTTP: starts it, and starts it again after a crash with growing pauses. The judge
 * goes on.
 */
import { type TransferListItem, Worker } from 'node:worker_threads';
import { FourlaneError } from '../model/errors.ts';
import { Backoff } from '../model/backoff.ts';
import { counter, type Family, type FamilySource, family, ONE_ROW } from '../model/family.ts';
import type { Phase, ReloadResult } from '../report/view.ts';
import type { Logger } from '../sys/log.ts';
import type { Door } from './agent.ts';
import type { Call, CallAnswer, FromHttp, HttpInit, ToHttp } from './http-messages.ts';
import type { Publisher } from './publisher.ts';

export interface HttpThreadOptions {
  readonly clock: () => number;
  readonly log: Logger;
}

/** What the thread asks of the agent. */
export interface Behind {
  readonly publisher: Publisher;
  readonly reload: () => Promise<ReloadResult>;
  /** Makes a lane throw; false when there is no such lane. */
  readonly chaos: (nic: string) => boolean;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A thread that has run this long is forgiven its former crashes. */
const FORGIVE_MS = 60_000;
/** How long a thread that was told to stop may take. */
const STOP_MS = 2000;
/** How long the start waits until answers show that the agent runs. */
const SHOW_MS = 2000;
/** What is rendered of 60 000 real servers fits many times; a thread that wants more is a defect, and ends alone. */
const LIMITS = { maxOldGenerationSizeMb: 768, maxYoungGenerationSizeMb: 8 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./http.worker${import.meta.filename.slice(-3)}`, import.meta.url);

export class HttpThread implements Door, FamilySource {
  readonly #o: HttpThreadOptions;
  #behind: Behind | undefined;
  #init: HttpInit | undefined;
  #worker: Worker | undefined;
  #startedAt = 0;
  readonly #backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  #retry: NodeJS.Timeout | undefined;
  #stopping = false;
  #restarts = 0;
  #shows: ((phase: Phase) => void) | undefined;

  constructor(options: HttpThreadOptions) {
    this.#o = options;
  }

  get host(): string {
    return this.#init!.host;
  }

  get port(): number {
    return this.#init!.port;
  }

  families(): readonly Family[] {
    const help = 'Restarts of the thread that serves HTTP after it failed.';
    return [family(counter('http_restarts_total', help), ONE_ROW, [this.#restarts])];
  }

  /** Starts the thread; resolves when it listens. @throws FourlaneError LISTEN_FAILED when it cannot */
  async open(init: HttpInit, behind: Behind): Promise<this> {
    this.#init = init;
    this.#behind = behind;
    const first = await this.#start();
    if (first.type === 'refused') {
      this.#stopping = true;
      clearTimeout(this.#retry);
      throw new FourlaneError(first.code, first.message);
    }
    // A port chosen by the kernel is kept over restarts.
    this.#init = { ...init, port: first.port };
    return this;
  }

  /** Resolves when answers show this phase; at the latest after a while, since the judge goes on without HTTP. */
  async shows(phase: Phase): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, SHOW_MS);
    this.#shows = (shown) => shown === phase && resolve();
    await promise;
    clearTimeout(late);
    this.#shows = undefined;
  }

  /** Lets answers finish for at most a second, and ends the thread. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.#post({ type: 'stop' });
    const cut = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(cut);
  }

  #post(message: ToHttp, transfer: readonly TransferListItem[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Resolves with the first that the thread says; it fails by ending. */
  #start(): Promise<Extract<FromHttp, { type: 'listening' | 'refused' }>> {
    const { clock } = this.#o;
    const worker = new Worker(ENTRY, {
      workerData: this.#init,
      name: 'http',
      resourceLimits: LIMITS,
      stdout: true, // what a library prints does not belong into the log
      stderr: true,
    });
    this.#worker = worker;
    this.#startedAt = clock();
    worker.stdout.resume();
    worker.stderr.resume();
    const { promise, resolve } = Promise.withResolvers<Extract<FromHttp, { type: 'listening' | 'refused' }>>();
    let reason = 'it ended';
    worker.on('message', (message: FromHttp) => {
      if (message.type === 'listening') this.#behind!.publisher.connect((m, transfer) => worker.postMessage(m, transfer));
      if (message.type === 'refused') reason = message.message;
      if (message.type === 'listening' || message.type === 'refused') resolve(message);
      else this.#heard(message);
    });
    worker.on('error', (error) => (reason = error.message));
    worker.once('exit', () => {
      resolve({ type: 'refused', code: 'INTERNAL', message: `the HTTP thread did not start: ${reason}` });
      if (this.#worker === worker) this.#ended(reason);
    });
    return promise;
  }

  #ended(reason: string): void {
    this.#worker = undefined;
    if (this.#stopping) return;
    const { log, clock } = this.#o;
    this.#restarts++;
    if (clock() - this.#startedAt > FORGIVE_MS) this.#backoff.reset();
    const pause = this.#backoff.next();
    log.error({ error: reason, backoff_ms: pause }, 'HTTP thread ended; restarting');
    this.#retry = setTimeout(() => void this.#start(), pause);
  }

  #heard(message: Extract<FromHttp, { type: 'ask' | 'call' | 'problem' | 'shown' }>): void {
    if (message.type === 'ask') this.#behind!.publisher.ask(message.half);
    else if (message.type === 'shown') this.#shows?.(message.phase);
    else if (message.type === 'problem') this.#o.log.error({ error: message.message }, 'HTTP request failed');
    else void this.#do(message.call).then((answer) => this.#post({ type: 'answer', id: message.id, answer }));
  }

  async #do(call: Call): Promise<CallAnswer> {
    return call.do === 'reload' ? this.#behind!.reload() : this.#behind!.chaos(call.nic);
  }
}
