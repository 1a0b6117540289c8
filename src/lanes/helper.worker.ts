/** Entry of a lane's helper thread: what may take long, so that the lane itself never does. */
import { parentPort, workerData } from 'node:worker_threads';
import type { HelperInit, ToHelper } from '../model/messages.ts';
import { makeBinding } from '../sys/binding.ts';
import { monotonicMs, threadCpuMs } from '../sys/clock.ts';
import { JobRunner } from './job-runner.ts';

const { nic, device, source, withoutDeviceBinding = false, board } = workerData as HelperInit;
const port = parentPort!;
const runner = new JobRunner({
  nic,
  device,
  binding: makeBinding(device, source, withoutDeviceBinding).binding,
  board: new Int32Array(board),
  clock: monotonicMs,
  cpu: threadCpuMs,
  report: (message) => port.postMessage(message),
});
port.on('message', (message: ToHelper) => {
  runner.take(message);
  if (message.type === 'stop') port.close();
});
port.postMessage({ type: 'ready' });
