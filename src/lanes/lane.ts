/**
 * Main-side handle of one lane: starts its worker, keeps its cells, restarts it with back-off, notices when it hangs. It
 * remembers which cells are in quarantine, so that a new thread does not take up again what ended the former one.
 */
import { Worker } from 'node:worker_threads';
import { Backoff } from '../model/backoff.ts';
import { type Board, HEARTBEAT, newBoard, takeHeld, WORKING } from '../model/board.ts';
import type { CellBatch, FromLane, Held, LaneInit, ToLane } from '../model/messages.ts';
import { close } from '../sys/libc.ts';
import { Quarantine } from './quarantine.ts';

export type LaneState = 'starting' | 'running' | 'restarting' | 'stopped';

export interface LaneOptions {
  readonly nic: string;
  readonly device: string;
  readonly source?: string;
  readonly kinds: number;
  readonly ringCapacity: number;
  /** All cells the lane should have now: asked at each start of its thread. */
  readonly cells: () => CellBatch;
  /** Who is in a cell: its generation, and its name for people. */
  readonly occupant: (cell: number) => { readonly generation: number; readonly name: string } | undefined;
  readonly clock: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  readonly certificate: (nic: string, cell: number, generation: number, notAfterMs: number) => void;
  readonly withoutDeviceBinding?: boolean;
  /** Test hook: another entry of the thread. */
  readonly entry?: URL;
}

const HANG_MS = 3000;
/** Until it has run for the first time a thread loads its modules, which on a busy machine takes longer than a tick ever may. */
const START_MS = 30_000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A lane that has run this long starts its back-off from the beginning. */
const FORGIVE_MS = 60_000;

export class Lane {
  readonly board: Board;
  state: LaneState = 'starting';
  restarts = 0;
  /** How often a probe has held the lane or its helper. */
  holds = 0;
  readonly quarantine = new Quarantine();
  /** '' or why sockets are bound by source address only. */
  bindingNote = '';
  readonly #o: LaneOptions;
  #worker: Worker | undefined;
  readonly #backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS);
  #startedAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #onRunning: (() => void)[] = [];

  constructor(options: LaneOptions) {
    this.#o = options;
    this.board = newBoard(options.kinds, options.ringCapacity);
    this.#start();
  }

  /** Resolves once the worker has taken all cells given so far. */
  running(): Promise<void> {
    return this.state === 'running' ? Promise.resolve() : new Promise((resolve) => this.#onRunning.push(resolve));
  }

  /**
   * Applies a difference of cells; unchanged cells do not notice. A lane that is down gets all its cells when it starts again.
   */
  update(add: CellBatch, remove: readonly number[]): void {
    for (const cell of remove) this.quarantine.forget(cell);
    this.#send(add, remove);
  }

  #send(add: CellBatch, remove: readonly number[], quarantine?: readonly Held[]): void {
    const buffers = [add.cell, add.generation, add.profile, add.sockaddrs].map((column) => column.buffer as ArrayBuffer);
    const message: ToLane = { type: 'cells', add, remove: Int32Array.from(remove), ...(quarantine ? { quarantine } : {}) };
    this.#worker?.postMessage(message, buffers);
  }

  #start(): void {
    const { nic, device, source, kinds, ringCapacity, withoutDeviceBinding } = this.#o;
    const init: LaneInit = {
      nic,
      device,
      board: this.board.buffer,
      kinds,
      ringCapacity,
      ...(source === undefined ? {} : { source }),
      ...(withoutDeviceBinding === undefined ? {} : { withoutDeviceBinding }),
    };
    const extension = import.meta.filename.slice(-3);
    const { entry = new URL(`./lane.worker${extension}`, import.meta.url) } = this.#o;
    const worker = new Worker(entry, {
      workerData: init,
      name: `lane ${nic}`,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    this.#startedAt = this.#o.clock();
    this.board.header[HEARTBEAT] = this.#startedAt | 0;
    this.board.header[WORKING] = 0;
    worker.on('message', (message: FromLane) => this.#onMessage(message));
    worker.on('error', (error) => this.#o.log('error', 'lane failed', { nic, error: error.message }));
    worker.on('exit', (code) => this.#onExit(worker, code));
    this.#send(this.#o.cells(), [], this.quarantine.entries);
  }

  #onMessage(message: FromLane): void {
    if (message.type === 'running') {
      this.state = 'running';
      for (const resolve of this.#onRunning.splice(0)) resolve();
    } else if (message.type === 'certificate')
      this.#o.certificate(this.#o.nic, message.cell, message.generation, message.notAfterMs);
    else if (message.type === 'held') {
      this.quarantine.take(message.held);
      this.#logHold(message.held, message.ms, message.thread);
    } else if (message.type === 'binding') {
      this.bindingNote = message.reason;
      if (!message.bound) this.#o.log('warn', message.reason, { nic: this.#o.nic });
    }
  }

  /**
   * The thread has ended or is about to: if it was in the code of a check, that check's cell is not taken up again for a while.
   */
  #blame(ms: number): void {
    const cell = this.board.header[WORKING]! - 1;
    const occupant = cell < 0 ? undefined : this.#o.occupant(cell);
    if (occupant === undefined) return;
    this.board.header[WORKING] = 0;
    this.#logHold(this.quarantine.hold(cell, occupant.generation, this.#o.clock()), ms, 'lane');
  }

  #logHold({ cell, holds, until }: Held, ms: number, thread: 'lane' | 'helper'): void {
    this.holds++;
    const target = this.#o.occupant(cell)?.name ?? '';
    const seconds = Math.round((until - this.#o.clock()) / 1000);
    const fields = { nic: this.#o.nic, target, thread, held_ms: ms, holds, quarantine_s: seconds };
    this.#o.log('warn', `a check of ${target} held its thread; it is in quarantine`, fields);
  }

  #onExit(worker: Worker, code: number): void {
    for (const fd of takeHeld(this.board)) close(fd);
    if (worker !== this.#worker || this.state === 'stopped') return;
    this.#worker = undefined;
    this.#blame(0);
    this.state = 'restarting';
    this.restarts++;
    if (this.#o.clock() - this.#startedAt > FORGIVE_MS) this.#backoff.reset();
    const pause = this.#backoff.next();
    this.#o.log('error', 'lane ended; restarting', { nic: this.#o.nic, exit_code: code, backoff_ms: pause });
    this.#retry = setTimeout(() => this.#start(), pause);
  }

  /**
   * Called about once a second: a lane whose tick has stopped is ended, and so restarted.
   * @param now ms, same clock as the lane
   */
  watch(now: number): void {
    if (this.#worker === undefined || this.state === 'stopped') return;
    const silent = ((now | 0) - this.board.header[HEARTBEAT]!) | 0;
    if (silent < (this.state === 'running' ? HANG_MS : START_MS)) return;
    this.#o.log('error', 'lane hangs; ending it', { nic: this.#o.nic, silent_ms: silent });
    this.#blame(silent);
    this.board.header[HEARTBEAT] = now | 0;
    void this.#worker.terminate();
  }

  /** Lab only: makes the lane's thread throw. @returns true */
  crash(): true {
    this.#worker?.postMessage({ type: 'crash' } satisfies ToLane);
    return true;
  }

  /** Ends the worker; resolves when its thread is gone. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    clearTimeout(this.#retry);
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage({ type: 'stop' } satisfies ToLane);
    const limit = setTimeout(() => void worker.terminate(), 2000);
    await gone;
    clearTimeout(limit);
  }
}
