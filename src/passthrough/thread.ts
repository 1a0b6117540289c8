/** Verifies in a thread of its own, which lives as long as that takes. */
import { startThread } from '../sys/worker.ts';
import { closeHeld, newHeld } from './toa/senders.ts';
import type { Done, Job } from './verify.ts';

/** Heap of the thread, MB: a few requests at a time. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
// The same extension as this file: .ts in a checkout, .js when built.
const ENTRY = new URL(`./verify.worker${import.meta.filename.slice(-3)}`, import.meta.url);

/**
 * What was found until all was verified, or `signal` was aborted, with nothing begun after `limitMs`; what is missing was not
 * reached.
 * @throws Error when the thread failed before it found anything
 */
export function verifyInThread(jobs: readonly Job[], limitMs: number, signal: AbortSignal): Promise<readonly Done[]> {
  const done: Done[] = [];
  const held = newHeld(jobs.length);
  return new Promise((resolve, reject) => {
    const worker = startThread<Done>(ENTRY, {
      name: 'passthrough',
      workerData: { jobs, held },
      resourceLimits: HEAP,
      heard: (one) => done.push(one),
      ended: (_, error) => {
        clearTimeout(late);
        signal.removeEventListener('abort', cut);
        closeHeld(held); // of a thread that was cut
        if (error !== undefined && done.length === 0) reject(new Error(`verifying ended: ${error}`));
        else resolve(done);
      },
    });
    const cut = () => void worker.terminate();
    // What is under way ends by itself, with its sockets; cutting leaves them open.
    const late = setTimeout(() => worker.postMessage('enough'), limitMs);
    signal.addEventListener('abort', cut);
  });
}
