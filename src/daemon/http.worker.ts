/** Entry of the thread that serves HTTP: whatever it is asked, the judge and the lanes go first. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openDoors } from '../http/doors.ts';
import { Guesses } from '../http/guesses.ts';
import { Routes } from '../http/routes.ts';
import { monotonicMs } from '../sys/clock.ts';
import { saveCompiled } from '../sys/compiled.mjs';
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
const { names } = init;
const guesses = new Guesses(monotonicMs, (attempt) => post({ type: 'guessed', ...attempt }));
const routes = new Routes(agent, { names, guesses });

const close = openDoors(routes, {
  ...init,
  ...init.limits,
  onError,
  listening: (door, port) => post({ type: 'listening', door, port }),
  refused: (door, { code, message }) => post({ type: 'refused', door, code, message }),
});

judge.on('message', (message: ToHttp) => {
  if (message.type === 'stop') void close().then(() => judge.close());
  else agent.take(message);
  if (message.type === 'standing') post({ type: 'shown', phase: message.standing.phase });
});
saveCompiled();
