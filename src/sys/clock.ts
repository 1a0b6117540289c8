/** The monotonic clock, the same for all threads of the process: ms since boot as a float. */
// The global of that name is looked up anew at each use.
import { performance } from 'node:perf_hooks';

/** Two clocks are asked again when this much has passed between, ms: the thread was taken away, or its code was cold. */
const CLOSE_MS = 0.01;
const MOST_TRIES = 10;

/**
 * How far one clock is ahead of another, ms. It is read between two looks at the other, and again until they are close: a thread
 * that has to wait for a CPU in between would be wrong by that for as long as it lives.
 */
export function aheadOf(other: () => number, clock: () => number): number {
  let closest = Infinity;
  let ahead = 0;
  for (let k = 0; k < MOST_TRIES && closest > CLOSE_MS; k++) {
    const before = other();
    const read = clock();
    const after = other();
    if (after - before >= closest) continue;
    closest = after - before;
    ahead = read - (before + after) / 2;
  }
  return ahead;
}

function sinceBoot(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

const ownNow = () => performance.now();
const offset = aheadOf(ownNow, sinceBoot);

/** Now, in ms of CLOCK_MONOTONIC, off by some µs at most. `performance.now()` alone starts at zero in each thread. */
export function monotonicMs(): number {
  return performance.now() + offset;
}

/** Difference that turns a monotonic ms into a Unix ms; read for each use, since wall clocks are stepped. */
export function wallOffsetMs(): number {
  return aheadOf(monotonicMs, Date.now);
}

/** CPU time that this thread has taken so far, in ms. Half a microsecond to ask. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
