/** Threads for work that must not hold the judge: how one is started, and ended. */
import { Worker, type WorkerOptions } from 'node:worker_threads';

export interface ThreadParts<M> extends Pick<WorkerOptions, 'name' | 'workerData' | 'resourceLimits' | 'env'> {
  readonly heard: (message: M) => void;
  /** It is gone; `error`: what it threw, if it did. */
  readonly ended: (worker: Worker, error: string | undefined) => void;
}

/** Starts a thread. What its libraries print is thrown away: it does not belong into the log. */
export function startThread<M>(entry: URL, { heard, ended, ...options }: ThreadParts<M>): Worker {
  const worker = new Worker(entry, { ...options, stdout: true, stderr: true });
  worker.stdout.resume();
  worker.stderr.resume();
  let reason: string | undefined;
  worker.on('message', heard);
  worker.on('error', (error) => (reason = error.message));
  worker.once('exit', () => ended(worker, reason));
  return worker;
}

/** Sends a thread its last message, which ends it; after `limitMs` it is ended whatever it does. Resolves when it is gone. */
export async function endThread(worker: Worker, message: unknown, limitMs: number): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage(message);
  const cut = setTimeout(() => void worker.terminate(), limitMs);
  await ended;
  clearTimeout(cut);
}
