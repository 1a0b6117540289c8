/** How much slower this machine is at present than the one whose costs are listed, told by the jobs that have ended. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import type { Cost } from './costs.ts';

/** Beyond this, jobs one after the other are no help, and no patience is. */
const MOST = 4;
/** However quick it is, what must come in time needs some of it idle. */
const LEAST = 0.92;
/** CPU time that is taken to have been as expected before any job has ended, s: one job alone says little of the machine. */
const PRIOR = 30;

export class Pace {
  readonly #crowd: number;
  readonly #cpu = { expected: 0, used: 0 };
  readonly #time = { expected: 0, used: 0 };

  /** @param crowd as `crowding` measures it */
  constructor(crowd = 1) {
    this.#crowd = crowd;
  }

  /** A job has ended. @param cpuSeconds its time on CPUs; undefined = that can't be told */
  ended(
    { seconds, cpus, cpuSeconds = seconds * cpus }: Cost,
    took: { readonly seconds: number; readonly cpuSeconds?: number | undefined },
  ): void {
    if (took.cpuSeconds !== undefined) {
      this.#cpu.expected += cpuSeconds;
      this.#cpu.used += took.cpuSeconds;
    }
    if (!Number.isFinite(seconds)) return;
    this.#time.expected += seconds;
    this.#time.used += took.seconds;
  }

  /** CPU time taken / expected, 1 before anything has ended. */
  get ratio(): number {
    return this.#cpu.expected === 0 ? 1 : this.#cpu.used / this.#cpu.expected;
  }

  /** For deciding what fits. */
  get slowness(): number {
    const ratio = (this.#cpu.used + PRIOR) / (this.#cpu.expected + PRIOR);
    return ratio < 1 ? Math.max(LEAST, ratio) : within(ratio);
  }

  /** Times as long as a test gives what it waits for by default. */
  get patience(): number {
    return within(Math.max(this.#crowd, this.#time.expected === 0 ? 1 : this.#time.used / this.#time.expected));
  }
}

/** No two runs are alike: a little more than expected is as expected. */
const USUAL = 1.25;

function within(ratio: number): number {
  return ratio < USUAL ? 1 : Math.min(MOST, ratio);
}

/** Computes for a while, and prints how long that took / its time on the CPU. */
const COMPUTING = `const began = performance.now(); const before = process.cpuUsage(); let sum = 0;
for (let i = 0; i < 2e8; i++) sum += i % 7;
const { user, system } = process.cpuUsage(before);
console.log((performance.now() - began) / ((user + system) / 1000));`;

/** How many want each CPU at present, us included: 1 when nothing else runs. Takes about half a second. */
export async function crowding(): Promise<number> {
  const all = Array.from({ length: availableParallelism() }, () => promisify(execFile)(process.execPath, ['-e', COMPUTING]));
  return Math.max(...(await Promise.all(all)).map(({ stdout }) => Number(stdout)));
}
