/** The work of a lane's helper: checks that run by themselves, bodies that take long to judge. Each job's CPU time is its own. */
import { checkKinds } from '../checks/index.ts';
import type { AsyncCheck, CheckKind, RunContext } from '../checks/kind.ts';
import { type FromHelper, HELPER_BEAT, HELPER_JOB, type ToHelper } from '../model/messages.ts';
import type { ProbeResult } from '../model/outcome.ts';
import type { CheckProfile } from '../model/plan.ts';
import type { Binding } from '../sys/socket.ts';

/** A job that has taken this much CPU is cancelled: ms. */
export const MOST_CPU_MS = 100;
const BEAT_MS = 20;

export interface JobRunnerOptions {
  readonly nic: string;
  readonly device: string;
  readonly binding: Binding;
  /** See RunContext. */
  readonly patient: boolean;
  /** See HELPER_BEAT. */
  readonly board: Int32Array;
  readonly clock: () => number;
  /** CPU time of this thread, ms. */
  readonly cpu: () => number;
  readonly report: (message: FromHelper) => void;
}

interface Running {
  readonly controller: AbortController;
  cpuMs: number;
  /** `#lag` when it began. */
  readonly lag: number;
  /** When its time is over: what this thread is late after that changes nothing of how it ends. */
  readonly until: number;
  /** What this thread was late until then, ms. */
  late?: number;
}

type Take<T extends ToHelper['type']> = Extract<ToHelper, { readonly type: T }>;

export class JobRunner {
  readonly #o: JobRunnerOptions;
  readonly #profiles = new Map<number, readonly [CheckKind, CheckProfile]>();
  readonly #running = new Map<number, Running>();
  #beat: NodeJS.Timeout | undefined;
  #due = 0;
  /** How much later than due this thread has turned so far, in all: ms. */
  #lag = 0;

  constructor(options: JobRunnerOptions) {
    this.#o = options;
  }

  take(message: ToHelper): void {
    switch (message.type) {
      case 'profile':
        this.#profiles.set(message.profile, [checkKinds.find((kind) => kind.name === message.value.type)!, message.value]);
        return;
      case 'run':
        return this.#run(message);
      case 'examine':
        return this.#examine(message);
      case 'cancel':
        this.#running.get(message.job)?.controller.abort();
        return;
      case 'stop':
        for (const { controller } of this.#running.values()) controller.abort();
    }
  }

  #run({ job, profile, address, sockaddr, timeoutMs }: Take<'run'>): void {
    const [kind, parameters] = this.#profiles.get(profile)!;
    const running = this.#begin(job, timeoutMs);
    const context: RunContext = {
      nic: this.#o.nic,
      device: this.#o.device,
      binding: this.#o.binding,
      sockaddr,
      mark: parameters.mark ?? 0,
      timeoutMs,
      patient: this.#o.patient,
      signal: running.controller.signal,
      certificate: (notAfterMs) => this.#o.report({ type: 'certificate', job, notAfterMs }),
      work: (piece) => this.#work(job, running, piece),
    };
    (kind.prepare(parameters, address) as AsyncCheck).run(context).then(
      (result) => this.#done(job, running, result),
      // A check never rejects: one that does is defective. An unhandled rejection ends this thread, and the lane starts it again.
      (error: unknown) => {
        throw error;
      },
    );
  }

  #examine({ job, profile, body, status }: Take<'examine'>): void {
    const [kind, parameters] = this.#profiles.get(profile)!;
    const running = this.#begin(job, Number.POSITIVE_INFINITY);
    const rest = { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), status };
    const judgement = this.#work(job, running, () => kind.examine!(parameters, rest));
    // Given back now: the collector sees few small objects and would let many bodies pile up.
    body.buffer.transfer(0);
    this.#done(job, running, { ...judgement, rttUs: 0, elapsedUs: 0 });
  }

  #begin(job: number, timeoutMs: number): Running {
    this.#turn();
    const until = this.#o.clock() + timeoutMs;
    const running: Running = { controller: new AbortController(), cpuMs: 0, lag: this.#lag, until };
    this.#running.set(job, running);
    this.#beat ??= setInterval(() => this.#turn(), BEAT_MS);
    return running;
  }

  #work<T>(job: number, running: Running, piece: () => T): T {
    const { board, cpu } = this.#o;
    const outer = board[HELPER_JOB]!;
    board[HELPER_JOB] = job;
    const before = cpu();
    try {
      return piece();
    } finally {
      // A piece within a piece is counted once.
      if (outer !== job) running.cpuMs += cpu() - before;
      board[HELPER_JOB] = outer;
      if (running.cpuMs > MOST_CPU_MS && outer === 0) running.controller.abort();
    }
  }

  #done(job: number, running: Running, result: ProbeResult): void {
    this.#turn();
    if (!this.#running.delete(job)) return;
    const { cpuMs, late: lagMs = this.#lag - running.lag } = running;
    this.#o.report({ type: 'done', job, result, cpuMs, lagMs });
    if (this.#running.size > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
  }

  /** Shows that the thread turns, and counts by how much it is late. */
  #turn(): void {
    const now = this.#o.clock();
    this.#o.board[HELPER_BEAT] = now | 0;
    if (this.#beat !== undefined && now > this.#due) this.#lag += now - this.#due;
    this.#due = now + BEAT_MS;
    for (const running of this.#running.values()) if (now >= running.until) running.late ??= this.#lag - running.lag;
  }
}
