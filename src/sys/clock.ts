/** The monotonic clock, the same for all threads of the process: ms since boot as a float. */

const hr = process.hrtime();
const offset = hr[0] * 1000 + hr[1] / 1e6 - performance.now();

/** Now, in ms of CLOCK_MONOTONIC with sub-µs resolution. `performance.now()` alone starts at zero in each thread. */
export function monotonicMs(): number {
  return performance.now() + offset;
}

/** Difference that turns a monotonic ms into a Unix ms; read for each use, since wall clocks are stepped. */
export function wallOffsetMs(): number {
  return Date.now() - monotonicMs();
}

/** CPU time that this thread has taken so far, in ms. Half a microsecond to ask. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
