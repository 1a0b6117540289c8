/** Entry of a lane's helper thread: what may take long, so that the lane itself never does. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { HelperInit, ToHelper } from '../model/messages.ts';
import { makeBinding } from '../sys/binding.ts';
import { monotonicMs, threadCpuMs } from '../sys/clock.ts';
import { saveCompiled } from '../sys/compiled.mjs';
import { JobRunner } from './job-runner.ts';

/** What is patient lets everything else of the agent go first. */
const PATIENT_NICE = 10;

const { nic, device, source, withoutDeviceBinding = false, patient, board } = workerData as HelperInit;
// 0 is the calling thread on Linux.
if (patient) setPriority(0, PATIENT_NICE);
const port = parentPort!;
const runner = new JobRunner({
  nic,
  device,
  patient,
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
saveCompiled();
