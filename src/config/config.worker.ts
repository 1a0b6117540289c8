/** Entry of the thread that reads configurations: parsing and checking a long file takes longer than the judge may wait. */
import { parentPort } from 'node:worker_threads';
import type { Plan } from '../model/plan.ts';
import { compareFile } from './compare.ts';
import type { LoadRequest } from './messages.ts';

/** The plan that was sent last: mostly it is the one that runs when the next file is read. */
let sent: Plan | undefined;

parentPort!.on('message', (request: LoadRequest) => {
  const { answer, plan } = compareFile(request, sent);
  sent = plan;
  parentPort!.postMessage(answer);
});
