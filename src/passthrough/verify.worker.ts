/** Entry of the thread that verifies: it waits for real servers, which the judge must not. It ends when all is verified. */
import { parentPort, workerData } from 'node:worker_threads';
import { saveCompiled } from '../sys/compiled.ts';
import { eachOf } from './turns.ts';
import { type Job, verify } from './verify.ts';

saveCompiled();

/** Verified at the same time. */
const AT_ONCE = 8;

await eachOf(workerData as readonly Job[], AT_ONCE, async (job) => parentPort!.postMessage(await verify(job)));
