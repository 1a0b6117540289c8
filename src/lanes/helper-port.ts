/** The two kinds of helper: a thread for a lane, and this thread itself for a single probe. */
import { Worker } from 'node:worker_threads';
import type { FromHelper, HelperInit } from '../model/messages.ts';
import { monotonicMs, threadCpuMs } from '../sys/clock.ts';
import { JobRunner, type JobRunnerOptions } from './job-runner.ts';
import type { StartHelper } from './helper.ts';

/** A helper in a thread of its own. */
export function helperThread(init: Omit<HelperInit, 'board' | 'patient'>): StartHelper {
  return (patient, message, ended) => {
    const board = new SharedArrayBuffer(8);
    const extension = import.meta.filename.slice(-3);
    const worker = new Worker(new URL(`./helper.worker${extension}`, import.meta.url), {
      workerData: { ...init, patient, board } satisfies HelperInit,
      name: `${patient ? 'patient ' : ''}helper ${init.nic}`,
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 40 },
    });
    worker.on('message', (m: FromHelper) => message(m));
    // Its end is what matters: the lane goes on with another one.
    worker.on('error', () => undefined);
    worker.on('exit', ended);
    return {
      board: new Int32Array(board),
      post: (m, transfer = []) => worker.postMessage(m, transfer),
      end: () => void worker.terminate(),
    };
  };
}

/** A helper in this thread: for a process that probes once. */
export function helperHere(init: Pick<JobRunnerOptions, 'nic' | 'device' | 'binding'>): StartHelper {
  return (_, message) => {
    const board = new Int32Array(2);
    const runner = new JobRunner({
      ...init,
      patient: true,
      board,
      clock: monotonicMs,
      cpu: threadCpuMs,
      report: (m) => setImmediate(message, m),
    });
    return { board, post: (m) => runner.take(m), end: () => undefined };
  };
}
