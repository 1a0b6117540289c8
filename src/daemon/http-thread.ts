/**
 * The judge's handle of the thread that serves HTTP: starts it, and starts it again after a crash with growing pauses. The judge
 * goes on.
 */
import type { TransferListItem, Worker } from 'node:worker_threads';
import { FourlaneError } from '../model/errors.ts';
import { Backoff } from '../model/backoff.ts';
import type { Door as HttpDoor } from '../http/routes.ts';
import { counter, type Family, type FamilySource, family, gauge, ONE_ROW } from '../model/family.ts';
import type { FleetAnswer, Phase, ReloadResult, ShadowAnswer } from '../report/view.ts';
import type { Logger } from '../sys/log.ts';
import { endThread, startThread } from '../sys/worker.ts';
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
  readonly shadow: () => ShadowAnswer | undefined;
  readonly fleet: () => Promise<FleetAnswer | undefined>;
  /** Makes a lane throw; false when there is no such lane. */
  readonly chaos: (nic: string) => boolean;
}

const WRONG = counter('http_wrong_credentials_total', 'Requests over HTTP whose credentials were wrong.');
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A thread that has run this long is forgiven its former crashes. */
const FORGIVE_MS = 60_000;
/** How long a thread that was told to stop may take. */
const STOP_MS = 2000;
/** How long the start waits until answers show that the agent runs. */
const SHOW_MS = 2000;
/** A refusal that goes on is logged so often, ms. */
const REPORT_MS = 60_000;
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
  /** Wrong credentials. */
  #wrong = 0;
  #shows: ((phase: Phase) => void) | undefined;
  #listens = new Map<HttpDoor, boolean>();
  /** What was last logged of a door that does not open, and when. */
  readonly #refusals = new Map<HttpDoor, { readonly message: string; readonly at: number }>();

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
    const doors = [...this.#listens];
    return [
      family(counter('http_restarts_total', help), ONE_ROW, [this.#restarts]),
      family(WRONG, ONE_ROW, [this.#wrong]),
      family(
        gauge('http_listening', '1 while the agent listens there: on `listen` (tcp), on the control socket.', ['door']),
        doors.map(([door]) => [door]),
        doors.map(([, listens]) => (listens ? 1 : 0)),
      ),
    ];
  }

  /**
   * Starts the thread; resolves when it listens, or has found that it can't yet: that is logged, and tried again for as long as
   * the agent lives. @throws FourlaneError INTERNAL when there is no such thread
   */
  async open(init: HttpInit, behind: Behind): Promise<this> {
    this.#init = init;
    this.#behind = behind;
    const problem = await this.#start();
    if (problem === undefined) return this;
    this.#stopping = true;
    clearTimeout(this.#retry);
    throw problem;
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
    if (this.#worker !== undefined) await endThread(this.#worker, { type: 'stop' } satisfies ToHttp, STOP_MS);
  }

  #post(message: ToHttp, transfer: readonly TransferListItem[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Resolves when the thread has said whether it listens on its port; with an error when it ended before. */
  #start(): Promise<FourlaneError | undefined> {
    const { clock } = this.#o;
    const { promise, resolve } = Promise.withResolvers<FourlaneError | undefined>();
    const worker = startThread<FromHttp>(ENTRY, {
      workerData: this.#init,
      name: 'http',
      resourceLimits: LIMITS,
      heard: (message) => {
        this.#heard(message);
        if ((message.type === 'listening' || message.type === 'refused') && message.door === 'tcp') resolve(undefined);
      },
      ended: (gone, error) => {
        const reason = error ?? 'it ended';
        resolve(new FourlaneError('INTERNAL', `the HTTP thread did not start: ${reason}`));
        if (this.#worker === gone) this.#ended(reason);
      },
    });
    this.#worker = worker;
    this.#startedAt = clock();
    this.#listens = new Map([['tcp', false]]);
    if (this.#init!.control !== undefined) this.#listens.set('control', false);
    this.#behind!.publisher.connect((message, transfer) => worker.postMessage(message, transfer));
    return promise;
  }

  #ended(reason: string): void {
    this.#worker = undefined;
    for (const door of this.#listens.keys()) this.#listens.set(door, false);
    if (this.#stopping) return;
    const { log, clock } = this.#o;
    this.#restarts++;
    if (clock() - this.#startedAt > FORGIVE_MS) this.#backoff.reset();
    const pause = this.#backoff.next();
    log.error({ error: reason, backoff_ms: pause }, 'HTTP thread ended; restarting');
    this.#retry = setTimeout(() => void this.#start(), pause);
  }

  #heard(message: FromHttp): void {
    const { log } = this.#o;
    switch (message.type) {
      case 'listening':
        this.#listens.set(message.door, true);
        // A port chosen by the kernel is kept over restarts.
        if (message.door === 'tcp') this.#init = { ...this.#init!, port: message.port };
        if (this.#refusals.delete(message.door)) log.info({ door: message.door }, 'listens now');
        return;
      case 'refused':
        this.#listens.set(message.door, false);
        this.#refused(message);
        return;
      case 'ask':
        this.#behind!.publisher.ask(message.half);
        return;
      case 'shown':
        this.#shows?.(message.phase);
        return;
      case 'problem':
        log.error({ error: message.message }, 'HTTP request failed');
        return;
      case 'guessed':
        this.#wrong++;
        if (message.toLog > 0) log.warn({ address: message.address, wrong: message.toLog }, 'wrong credentials over HTTP');
        return;
      case 'call':
        void this.#do(message.call).then((answer) => this.#post({ type: 'answer', id: message.id, answer }));
    }
  }

  /** Nobody can ask the agent how it is: the log says so again and again. */
  #refused({ door, code, message }: Extract<FromHttp, { type: 'refused' }>): void {
    const { clock, log } = this.#o;
    const known = this.#refusals.get(door);
    if (known?.message === message && clock() - known.at < REPORT_MS) return;
    this.#refusals.set(door, { message, at: clock() });
    log.error({ code, door }, `${message}; probing goes on, and this is tried again`);
  }

  async #do(call: Call): Promise<CallAnswer> {
    if (call.do === 'chaos') return this.#behind!.chaos(call.nic);
    if (call.do === 'shadow') return this.#behind!.shadow();
    if (call.do === 'fleet') return this.#behind!.fleet();
    this.#o.log.info({ by: call.by }, 'reload asked for');
    return this.#behind!.reload();
  }
}
