/** Entry of the thread that reads configurations: parsing and checking a long file takes longer than the judge may wait. */
import { parentPort } from 'node:worker_threads';
import type { Plan } from '../model/plan.ts';
import { saveCompiled } from '../sys/compiled.mjs';
import { compareFile } from './compare.ts';
import type { LoadRequest } from './messages.ts';

/** The plan that was sent last: mostly it is the one that runs when the next file is read. */
let sent: Plan | undefined;

async function compare(request: LoadRequest) {
  if (request.release === undefined) return compareFile(request, sent);
  const { compareRelease } = await import('./compare-release.ts');
  return compareRelease(request, request.release, sent);
}

// One at a time: see `ConfigThread`.
parentPort!.on('message', (request: LoadRequest) => {
  void compare(request).then(({ answer, plan }) => {
    sent = plan;
    parentPort!.postMessage(answer);
  });
});
saveCompiled();
