/** Thread of `measureCost`: a made-up DPVS whose CPU is not that of the thread that reads it. */
import { parentPort, workerData } from 'node:worker_threads';
import { FakeDpvs, type Size, synthetic } from './dpvs-fake.ts';

const server = await new FakeDpvs(synthetic(workerData as Size)).listen();
parentPort!.once('message', () => void server.close());
parentPort!.postMessage(server.path);
