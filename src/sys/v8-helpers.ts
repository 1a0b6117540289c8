/**
 * V8's own threads, four in a process, which mark and sweep for every thread of it. Where there are two CPUs they take both of
 * them for 25 ms when a heap of 20 MB is collected, and a thread that has something to do waits for one after the other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** As Node names them. */
const NAME = 'V8Worker';
const { PRIORITY_BELOW_NORMAL: LOWER } = constants.priority;

/** They give way to every thread that has not given way itself: nice 10. They stay so as long as the process runs. */
export function lowerHelpers(): void {
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      if (readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() !== NAME) continue;
      if (getPriority(Number(thread)) < LOWER) setPriority(Number(thread), LOWER);
    } catch {
      // A thread that has ended since.
    }
  }
}
