/** Entry of the thread that saves the state of a big agent: making the file takes longer than the judge may wait. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { unpackPlan } from '../config/plan-bytes.ts';
import { toSnapshot } from '../judge/snapshot.ts';
import { type Topology, topologyOf } from '../model/topology.ts';
import { saveCompiled } from '../sys/compiled.mjs';
import type { SaveInit, SaveRequest, Saved } from './save-thread.ts';
import { StateFile } from './state-file.ts';

/** Lanes and judge go first. */
const NICE = 5;
// 0 is the calling thread on Linux.
setPriority(0, NICE);

const { directory, boot } = workerData as SaveInit;
const file = new StateFile(directory, () => undefined, boot);
let topology: Topology | undefined;

async function save({ plan, state, applied }: SaveRequest): Promise<Saved> {
  try {
    if (plan !== undefined) topology = topologyOf(unpackPlan(plan));
    await file.write({ t: state.clock.now, judge: toSnapshot({ ...state, topology: topology! }), applied });
    return { error: '' };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

parentPort!.on('message', (request: SaveRequest) => void save(request).then((saved) => parentPort!.postMessage(saved)));
saveCompiled();
