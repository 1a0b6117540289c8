/** Entry of the thread that serves HTTP: whatever it is asked, the judge and the lanes go first. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { startServer } from '../http/server.ts';
import { FourlaneError } from '../model/errors.ts';
import { monotonicMs } from '../sys/clock.ts';
import type { FromHttp, HttpInit, ToHttp } from './http-messages.ts';
import { RemoteAgent } from './remote-agent.ts';

/** Lanes and judge go first; on a busy machine it must still answer within a scrape's time. */
const NICE = 5;
// 0 is the calling thread on Linux.
setPriority(0, NICE);

const init = workerData as HttpInit;
const judge = parentPort!;
const post = (message: FromHttp) => judge.postMessage(message);
const agent = new RemoteAgent(init, post, monotonicMs);
const onError = (error: unknown) => post({ type: 'problem', message: String(error) });

try {
  const server = await startServer(agent, init, { ...init.limits, onError });
  judge.on('message', (message: ToHttp) => {
    if (message.type === 'stop') void server.close().then(() => judge.close());
    else agent.take(message);
    if (message.type === 'standing') post({ type: 'shown', phase: message.standing.phase });
  });
  post({ type: 'listening', port: server.port });
} catch (error) {
  const code = error instanceof FourlaneError ? error.code : 'INTERNAL';
  post({ type: 'refused', code, message: (error as Error).message });
  judge.close();
}
