/** Entry of the thread that verifies: it waits for real servers, which the judge must not. It ends when all is verified. */
import { parentPort, workerData } from 'node:worker_threads';
import { saveCompiled } from '../sys/compiled.mjs';
import { eachOf } from './turns.ts';
import { type Held, Senders } from './toa/senders.ts';
import { type Job, verify } from './verify.ts';

saveCompiled();

/** Verified at the same time. */
const AT_ONCE = 8;

const { jobs, held } = workerData as { readonly jobs: readonly Job[]; readonly held: Held };
const senders = new Senders(held);
let isOver = false;
parentPort!.on('message', () => (isOver = true)).unref();
await eachOf(
  jobs,
  AT_ONCE,
  async (job) => parentPort!.postMessage(await verify(job, senders)),
  () => isOver,
);
senders.close();
