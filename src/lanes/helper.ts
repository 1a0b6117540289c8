/** The lane's side of its helper: gives it jobs, notices when it ends or hangs, and goes on with another one. */
import type { Unexamined } from '../checks/kind.ts';
import { type FromHelper, HELPER_BEAT, HELPER_JOB, type ToHelper } from '../model/messages.ts';
import type { ProbeResult } from '../model/outcome.ts';
import type { Address, CheckProfile } from '../model/plan.ts';

/** A helper that runs: a thread, or (for a single probe) this one. */
export interface HelperPort {
  /** See HELPER_BEAT. */
  readonly board: Int32Array;
  post(message: ToHelper, transfer?: readonly ArrayBuffer[]): void;
  /** Ends it at once, whatever it does. */
  end(): void;
}

/** Starts a helper, patient or not. `ended` is called when it ends by itself, and may be after `end`. */
export type StartHelper = (patient: boolean, message: (message: FromHelper) => void, ended: () => void) => HelperPort;

/** How a job ended. `lost`: the helper ended before the job did; `held`: by this job's fault. */
export type JobEnd =
  | { readonly how: 'done'; readonly result: ProbeResult; readonly cpuMs: number; readonly lagMs: number }
  | { readonly how: 'lost' }
  | { readonly how: 'held'; readonly ms: number };

export interface HelperOptions {
  readonly start: StartHelper;
  readonly patient: boolean;
  readonly clock: () => number;
  readonly ended: (job: number, end: JobEnd) => void;
  readonly certificate: (job: number, notAfterMs: number) => void;
}

interface Body {
  readonly job: number;
  readonly profile: CheckProfile;
  readonly post: { readonly body: Uint8Array<ArrayBuffer>; readonly status: number };
  readonly buffer: ArrayBuffer;
}

/** A helper that is silent this long although it has jobs hangs. */
const HANG_MS = 2000;
/** Until it has run for the first time it loads its modules. */
const START_MS = 30_000;

export class Helper {
  readonly #o: HelperOptions;
  #port: HelperPort | undefined;
  #ready = false;
  #last = 0;
  /** Since when it has had jobs without a break: before, it need not turn. */
  #busySince = 0;
  readonly #jobs = new Set<number>();
  /** Bodies that wait, and the job of the one that is being judged; 0 = none. */
  readonly #bodies: Body[] = [];
  #examining = 0;
  /** By content: a profile is another object after each reload. */
  readonly #profiles = new Map<string, number>();
  #sent = new Set<number>();

  constructor(options: HelperOptions) {
    this.#o = options;
  }

  /** Starts the helper, so that the first job need not wait for it. */
  prepare(): void {
    this.#running();
  }

  /** Runs a check. @returns the job's number */
  run(profile: CheckProfile, address: Address, sockaddr: Uint8Array, timeoutMs: number): number {
    const job = this.#begin();
    this.#running().post({ type: 'run', job, profile: this.#send(profile), address, sockaddr, timeoutMs });
    return job;
  }

  /** Judges a body. @returns the job's number */
  examine(profile: CheckProfile, { body, status }: Unexamined): number {
    const job = this.#begin();
    const { buffer, byteOffset, length } = body;
    const bytes = new Uint8Array(buffer, byteOffset, length);
    this.#bodies.push({ job, profile, post: { body: bytes, status }, buffer });
    this.#examineNext();
    return job;
  }

  /** One body at a time: what is not wanted any more need not be judged. */
  #examineNext(): void {
    if (this.#examining !== 0) return;
    const next = this.#bodies.shift();
    if (!next) return;
    this.#examining = next.job;
    const profile = this.#send(next.profile);
    this.#running().post({ type: 'examine', job: next.job, profile, ...next.post }, [next.buffer]);
  }

  /** The job's end is of no interest any more. */
  cancel(job: number): void {
    if (!this.#jobs.delete(job)) return;
    const waiting = this.#bodies.findIndex((body) => body.job === job);
    if (waiting >= 0) this.#bodies.splice(waiting, 1);
    else this.#port?.post({ type: 'cancel', job });
  }

  #begin(): number {
    if (this.#jobs.size === 0) this.#busySince = this.#o.clock() | 0;
    this.#last = this.#last === 0x3fffffff ? 1 : this.#last + 1;
    this.#jobs.add(this.#last);
    return this.#last;
  }

  #send(profile: CheckProfile): number {
    const key = JSON.stringify(profile);
    let number = this.#profiles.get(key);
    if (number === undefined) this.#profiles.set(key, (number = this.#profiles.size));
    if (!this.#sent.has(number)) {
      this.#sent.add(number);
      this.#running().post({ type: 'profile', profile: number, value: profile });
    }
    return number;
  }

  #running(): HelperPort {
    if (this.#port) return this.#port;
    this.#ready = false;
    this.#sent = new Set();
    const port = this.#o.start(
      this.#o.patient,
      (message) => this.#port === port && this.#take(message),
      () => this.#port === port && this.#lose(),
    );
    port.board[HELPER_BEAT] = this.#o.clock() | 0;
    this.#port = port;
    return port;
  }

  #take(message: FromHelper): void {
    if (message.type === 'ready') this.#ready = true;
    else if (message.type === 'certificate') this.#o.certificate(message.job, message.notAfterMs);
    else {
      const { job, result, cpuMs, lagMs } = message;
      if (this.#jobs.delete(job)) this.#o.ended(job, { how: 'done', result, cpuMs, lagMs });
      if (job !== this.#examining) return;
      this.#examining = 0;
      this.#examineNext();
    }
  }

  /** The helper has ended: so have its jobs. @param held the one that held it */
  #lose(held = 0, ms = 0): void {
    this.#port = undefined;
    const jobs = [...this.#jobs];
    this.#jobs.clear();
    this.#bodies.length = 0;
    this.#examining = 0;
    for (const job of jobs) this.#o.ended(job, job === held ? { how: 'held', ms } : { how: 'lost' });
  }

  /** Called often: a helper that hangs is ended. @param now ms */
  watch(now: number): void {
    const port = this.#port;
    if (!port || this.#jobs.size === 0) return;
    const silent = Math.min(((now | 0) - port.board[HELPER_BEAT]!) | 0, ((now | 0) - this.#busySince) | 0);
    if (silent < (this.#ready ? HANG_MS : START_MS)) return;
    port.end();
    this.#lose(port.board[HELPER_JOB], silent);
  }

  /** Cancels all jobs and lets the helper end. */
  close(): void {
    this.#jobs.clear();
    this.#port?.post({ type: 'stop' });
    this.#port = undefined;
  }
}
