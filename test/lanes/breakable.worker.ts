/** A lane's thread that a test can break in ways that the product has no command for. */
import { BroadcastChannel, workerData } from 'node:worker_threads';
import type { LaneInit } from '../../src/model/messages.ts';
import '../../src/lanes/lane.worker.ts';

export type Breakage = 'exit' | 'hang';

const channel = new BroadcastChannel(`break lane ${(workerData as LaneInit).nic}`);
channel.onmessage = (event) => {
  if ((event as { data: Breakage }).data === 'exit') process.exit(3);
  for (;;);
};
channel.unref();
