/** Runs jobs side by side on CPUs that are few: the longest first, as many at once as their shares of the CPUs allow. */

export interface Job {
  /** Expected duration, s. */
  readonly seconds: number;
  /** CPUs it uses on average. */
  readonly cpus: number;
}

/**
 * The job to start next, or undefined when one has to end first. The longest of those that fit beside the running ones; a job that is
 * larger than everything there is runs when nothing else does.
 */
export function next<T extends Job>(waiting: readonly T[], running: readonly Job[], cpus: number): T | undefined {
  const free = cpus - running.reduce((sum, job) => sum + job.cpus, 0);
  // Sums of decimal fractions.
  const fits = waiting.filter((job) => running.length === 0 || job.cpus <= free + 1e-9);
  return fits.reduce<T | undefined>((best, job) => (best === undefined || job.seconds > best.seconds ? job : best), undefined);
}

/** Starts every job with `start`, side by side within `cpus`; resolves when all have ended. Rejects with the first that rejects. */
export function runPool<T extends Job>(jobs: readonly T[], cpus: number, start: (job: T) => Promise<void>): Promise<void> {
  const waiting = new Set(jobs);
  const running = new Set<T>();
  return new Promise((resolve, reject) => {
    const step = () => {
      for (let job = next([...waiting], [...running], cpus); job !== undefined; job = next([...waiting], [...running], cpus)) {
        const started = job;
        waiting.delete(started);
        running.add(started);
        start(started).then(() => {
          running.delete(started);
          step();
        }, reject);
      }
      if (running.size === 0) resolve();
    };
    step();
  });
}
