/** Verifies in a thread of its own, which lives as long as that takes. */
import { startThread } from '../sys/worker.ts';
import type { Done, Job } from './verify.ts';

/** Heap of the thread, MB: a few requests at a time. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./verify.worker${import.meta.filename.slice(-3)}`, import.meta.url);

/**
 * What was found until all was verified, `limitMs` had passed, or `signal` was aborted; what is missing was not reached.
 * @throws Error when the thread failed before it found anything
 */
export function verifyInThread(jobs: readonly Job[], limitMs: number, signal: AbortSignal): Promise<readonly Done[]> {
  const done: Done[] = [];
  return new Promise((resolve, reject) => {
    const worker = startThread<Done>(ENTRY, {
      name: 'passthrough',
      workerData: jobs,
      resourceLimits: HEAP,
      heard: (one) => done.push(one),
      ended: (_, error) => {
        clearTimeout(late);
        signal.removeEventListener('abort', cut);
        if (error !== undefined && done.length === 0) reject(new Error(`verifying ended: ${error}`));
        else resolve(done);
      },
    });
    const cut = () => void worker.terminate();
    const late = setTimeout(cut, limitMs);
    signal.addEventListener('abort', cut);
  });
}
