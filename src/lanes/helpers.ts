/**
 * The two helpers of a lane, and which cell each of their jobs is of. Cells that have never taken long do not wait for those that
 * have: these are the patient helper's, which lets everything else go first.
 */
import type { Judgement, Unexamined } from '../checks/kind.ts';
import { causeCode, LATE, phaseCode } from '../model/outcome.ts';
import type { CheckProfile } from '../model/plan.ts';
import { unpackSockaddr } from '../sys/sockaddr.ts';
import { Helper, type JobEnd, type StartHelper } from './helper.ts';

/** The helper could not do its job in time, by no fault of the probe. */
export const lost: Judgement = { outcome: LATE, phase: phaseCode('run'), cause: causeCode('late'), detail: 0 };

export interface HelpersOptions {
  readonly start: StartHelper;
  readonly clock: () => number;
  readonly ended: (cell: number, end: JobEnd) => void;
  readonly certificate: (cell: number, notAfterMs: number) => void;
}

export class Helpers {
  readonly #steady: Helper;
  readonly #patient: Helper;
  /** By job; those of the patient helper are negative. */
  readonly #cellOf = new Map<number, number>();
  readonly #jobOf = new Map<number, number>();

  constructor(options: HelpersOptions) {
    this.#steady = this.#make(options, false);
    this.#patient = this.#make(options, true);
  }

  #make({ start, clock, ended, certificate }: HelpersOptions, patient: boolean): Helper {
    const signed = (job: number) => (patient ? -job : job);
    return new Helper({
      start,
      patient,
      clock,
      ended: (job, end) => {
        const cell = this.#cellOf.get(signed(job));
        if (cell === undefined) return;
        this.#forget(signed(job), cell);
        ended(cell, end);
      },
      certificate: (job, notAfterMs) => {
        const cell = this.#cellOf.get(signed(job));
        if (cell !== undefined) certificate(cell, notAfterMs);
      },
    });
  }

  /** Starts the first helper, so that the first job need not wait for it. */
  prepare(): void {
    this.#steady.prepare();
  }

  /** Runs the check of a cell. @param patient it has taken long before */
  run(cell: number, patient: boolean, profile: CheckProfile, sockaddr: Uint8Array): void {
    const address = unpackSockaddr(sockaddr);
    this.#entrust(cell, patient, (helper) => helper.run(profile, address, sockaddr, profile.timeout));
  }

  /** Judges what a cell's check has received: it may take long, or the lane would have done it. */
  examine(cell: number, profile: CheckProfile, rest: Unexamined): void {
    this.#entrust(cell, true, (helper) => helper.examine(profile, rest));
  }

  #entrust(cell: number, patient: boolean, begin: (helper: Helper) => number): void {
    const job = patient ? -begin(this.#patient) : begin(this.#steady);
    this.#cellOf.set(job, cell);
    this.#jobOf.set(cell, job);
  }

  #forget(job: number, cell: number): void {
    this.#cellOf.delete(job);
    this.#jobOf.delete(cell);
  }

  /** The cell's job, if it has one, is of no interest any more. */
  cancel(cell: number): void {
    const job = this.#jobOf.get(cell);
    if (job === undefined) return;
    this.#forget(job, cell);
    if (job < 0) this.#patient.cancel(-job);
    else this.#steady.cancel(job);
  }

  /** Called often: a helper that hangs is ended. @param now ms */
  watch(now: number): void {
    this.#steady.watch(now);
    this.#patient.watch(now);
  }

  /** Cancels all jobs and lets the helpers end. */
  close(): void {
    this.#steady.close();
    this.#patient.close();
  }
}
