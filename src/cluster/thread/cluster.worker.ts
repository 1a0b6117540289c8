/** Entry of the thread that talks to etcd: mirror, lease and calls. Only here gRPC is loaded. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs as clock } from '../../sys/clock.ts';
import { saveCompiled } from '../../sys/compiled.mjs';
import { giveBackAfter } from '../../sys/give-back.ts';
import { lowerHelpers } from '../../sys/v8-helpers.ts';
import { Lease } from '../lease/lease.ts';
import { Mirror, type MirrorState } from '../mirror/mirror.ts';
import { Caller } from '../transport/caller.ts';
import { grpcDial } from '../transport/grpc.ts';
import { RpcError } from '../transport/link.ts';
import { prefixRange } from '../wire/kv.ts';
import type { ClusterInit, FromCluster, ToCluster } from './messages.ts';
import { Outbox, PageMemory, writePage } from './pages.ts';

/** How often the standing is reported when nothing changes, ms. */
const REPORT_MS = 5000;
/** Once it is connected, and what the start needed is garbage, ms. */
const GIVE_BACK_MS = 10_000;

// 0 is the calling thread on Linux: lanes and judge go first.
setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
// And who collects what this one throws away.
lowerHelpers();

const port = parentPort!;
const { etcd, ranges, pages } = workerData as ClusterInit;
const memory = new PageMemory(pages);
const { endpoints } = etcd;
const random = Math.random;
let notAfter = 0;
let state: MirrorState | undefined;
let started = false;
const dial = grpcDial(etcd.tls, (identity) => (notAfter = identity.notAfter));
const post = (message: FromCluster) => port.postMessage(message);
const outbox = new Outbox((sheet) => post({ type: 'page', page: writePage(memory, sheet) }));
const caller = new Caller({ endpoints, dial, clock, random });
const lease = new Lease({
  caller: new Caller({ endpoints, dial, clock, random }),
  clock,
  changed: (held) => post({ type: 'lease', lease: held }),
});

const mirrored = ranges.map(({ key, prefix }) => (prefix ? prefixRange(key) : { key }));
const mirror = new Mirror(
  { endpoints, dial, ranges: mirrored, clock, random },
  {
    batch: (range, batch) => {
      lease.observed(batch.changes);
      return outbox.take(range, batch);
    },
    state: (next) => {
      state = next;
      if (next.connected && !started) giveBackAfter(GIVE_BACK_MS);
      started ||= next.connected;
      report();
    },
  },
);

function report(): void {
  const { heardAt, connects } = mirror;
  post({ type: 'standing', standing: { state, heardAt, connects, ranges: mirror.ranges(), notAfter } });
}

async function answer({ id, method, request, asked }: Extract<ToCluster, { type: 'call' }>): Promise<void> {
  try {
    post({ type: 'answer', id, answer: await caller.call(method, Buffer.from(request), asked) });
  } catch (error) {
    const code = error instanceof RpcError ? error.code : undefined;
    post({ type: 'refused', id, code, message: (error as Error).message });
  }
}

async function stop(revoke: boolean): Promise<void> {
  clearInterval(reports);
  mirror.stop();
  await lease.stop({ revoke });
  caller.close();
  port.close();
}

port.on('message', (message: ToCluster) => {
  switch (message.type) {
    case 'taken':
      return outbox.taken();
    case 'hold':
      return lease.set(message.key, message.value);
    case 'call':
      return void answer(message);
    case 'stop':
      return void stop(message.revoke);
  }
});
const reports = setInterval(report, REPORT_MS);
saveCompiled();
void mirror.run();
void lease.run();
