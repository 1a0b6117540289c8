/** Writes many keys into etcd from a process of its own: `node fill.child.ts FILLING`, as JSON. */
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { type Operation, txnRequest } from '../../src/cluster/wire/txn.ts';
import type { EtcdTls } from '../../src/model/plan.ts';

export interface Filling {
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
  /** Keys begin with it; their numbers follow. */
  readonly prefix: string;
  readonly keys: number;
  /** Of each key. */
  readonly value: string;
}

/** Operations of one transaction. */
const OPERATIONS = 100;

const { endpoints, tls, prefix, keys, value } = JSON.parse(process.argv[2]!) as Filling;
const api = new Caller({ endpoints, dial: grpcDial(tls), clock: () => performance.now(), random: Math.random });
for (let first = 0; first < keys; first += OPERATIONS) {
  const operations = Array.from(
    { length: OPERATIONS },
    (_, i): Operation => ({ op: 'put', key: `${prefix}${first + i}`, value }),
  );
  await api.call(METHODS.txn, txnRequest({ compare: [], operations }), { timeoutMs: 5000, againForMs: 20_000 });
}
api.close();
