/**
 * Entry of the thread that reads the whole cluster when somebody looks at it: what all servers report is followed by none of
 * them, and neither the judge nor the lease of this server wait for a thousand of its peers to be parsed.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { plainJson } from '../../model/plain-text.ts';
import { monotonicMs as clock } from '../../sys/clock.ts';
import { saveCompiled } from '../../sys/compiled.mjs';
import { Contents } from '../api/contents.ts';
import { clusterPrefix } from '../keys.ts';
import { cronCalendar } from '../roster/calendar.ts';
import type { MissingSince } from '../roster/presence.ts';
import { EtcdStore } from '../store/etcd-store.ts';
import { Caller } from '../transport/caller.ts';
import { grpcDial } from '../transport/grpc.ts';
import { fleetStatus } from './fleet-status.ts';
import type { FromLook, LookInit, ToLook } from './messages.ts';

/** Of one answer of etcd: whoever may write there could make it endless. */
const MOST_BYTES = 64 << 20;

// 0 is the calling thread on Linux: everything else goes first.
setPriority(0, constants.priority.PRIORITY_LOW);

const port = parentPort!;
const { cluster, etcd } = workerData as LookInit;
const dial = grpcDial(etcd.tls, undefined, MOST_BYTES);
const caller = new Caller({ endpoints: etcd.endpoints, dial, clock, random: Math.random });
const store = new EtcdStore(caller, clusterPrefix(cluster));
const contents = new Contents(store);
const calendar = cronCalendar();
saveCompiled();

async function look(since: MissingSince): Promise<FromLook> {
  const looking = { now: Date.now(), clock: clock(), since, calendar };
  try {
    return { status: plainJson(JSON.stringify(await fleetStatus({ cluster, store, contents, looking }))) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

port.on('message', (message: ToLook) => {
  if (message.type === 'look') return void look(message.since).then((answer) => port.postMessage(answer));
  caller.close();
  port.close();
});
