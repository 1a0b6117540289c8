/** Runs jobs side by side on CPUs that are few: the longest first, as many at once as their shares of the CPUs allow. */

export interface Job {
  /** Expected duration, s. */
  readonly seconds: number;
  /** CPUs it uses on average. */
  readonly cpus: number;
}

/** A job that uses so much of a CPU computes; the others mostly wait. */
const COMPUTES = 0.8;
const computes = (job: Job) => job.cpus >= COMPUTES;

export interface Machine {
  readonly cpus: number;
  /** CPU time that a job takes here, of what it is expected to take: its share of the CPUs is that much larger, at most one. */
  readonly slowness: number;
}

/**
 * The job to start next, or undefined when one has to end first: the longest of those that fit beside the running ones. Half of
 * the CPUs is kept for jobs that compute while there are any, else small ones would always be before them. A job larger than
 * everything runs alone.
 */
export function next<T extends Job>(waiting: readonly T[], running: readonly Job[], machine: Machine): T | undefined {
  const { cpus, slowness } = machine;
  const share = (job: Job) => Math.min(job.cpus * slowness, Math.max(job.cpus, 1));
  const used = (jobs: readonly Job[]) => jobs.reduce((sum, job) => sum + share(job), 0);
  const forWaiters = waiting.some(computes) ? cpus / 2 : cpus;
  const waiters = used(running.filter((job) => !computes(job)));
  const all = used(running);
  // Sums of decimal fractions.
  const within = (sum: number, limit: number) => sum <= limit + 1e-9;
  const fits = (job: T) => within(all + share(job), cpus) && (computes(job) || within(waiters + share(job), forWaiters));
  const candidates = running.length === 0 ? waiting : waiting.filter(fits);
  return candidates.reduce<T | undefined>(
    (best, job) => (best === undefined || job.seconds > best.seconds ? job : best),
    undefined,
  );
}

/**
 * Starts every job with `start`, side by side within the CPUs of the machine as it then is; resolves when all have ended. Rejects
 * with the first that rejects.
 */
export function runPool<T extends Job>(jobs: readonly T[], machine: Machine, start: (job: T) => Promise<void>): Promise<void> {
  const waiting = new Set(jobs);
  const running = new Set<T>();
  return new Promise((resolve, reject) => {
    const step = () => {
      for (;;) {
        const started = next([...waiting], [...running], machine);
        if (started === undefined) break;
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
