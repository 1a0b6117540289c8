/** How much slower this machine is at present than the one whose costs are listed, told by the jobs that have ended. */
import type { Cost } from './costs.ts';

/** Beyond this, jobs one after the other are no help. */
const MOST = 3;

export class Pace {
  #expected = 0;
  #used = 0;

  /** A job has ended. @param cpuSeconds its time on CPUs; undefined = that can't be told */
  ended({ seconds, cpus, cpuSeconds: expected = seconds * cpus }: Cost, cpuSeconds: number | undefined): void {
    if (cpuSeconds === undefined) return;
    this.#expected += expected;
    this.#used += cpuSeconds;
  }

  /** CPU time taken / expected, 1 before anything has ended. */
  get ratio(): number {
    return this.#expected === 0 ? 1 : this.#used / this.#expected;
  }

  /** For deciding what fits: a quick machine does not run more at once. */
  get slowness(): number {
    return Math.min(MOST, Math.max(1, this.ratio));
  }
}
