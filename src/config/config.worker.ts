/** Entry of the thread that reads configurations: parsing and checking a long file takes longer than the judge may wait. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { compareFile } from './compare.ts';
import type { LoadRequest } from './messages.ts';

/** Lanes and judge go first. */
const NICE = 5;
// 0 is the calling thread on Linux.
setPriority(0, NICE);
parentPort!.on('message', (request: LoadRequest) => parentPort!.postMessage(compareFile(request)));
