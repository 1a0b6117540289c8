/** A server that does what its pointer asks, in etcd only: with its own certificate and rights, as an agent writes. */
import { Follow } from '../../src/cluster/api/follow.ts';
import { EtcdStore } from '../../src/cluster/store/etcd-store.ts';
import { writeBack } from '../../src/cluster/applied/write-back.ts';
import { clusterPrefix } from '../../src/cluster/keys.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { put } from '../../src/cluster/txn-plan.ts';
import type { EtcdTls } from '../../src/model/plan.ts';
import { appliedValue } from '../cluster/fleet-model.ts';

export interface StandInOptions {
  readonly cluster: string;
  readonly server: string;
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
  /** Why it does not take a root; undefined = it does. */
  readonly refuses: (root: string) => string | undefined;
}

export class StandIn {
  /** While it is set, it does nothing: a server in maintenance, or one that is slow. */
  idle = false;
  readonly #o: StandInOptions;
  readonly #caller: Caller;
  readonly #store: EtcdStore;
  readonly #follow: Follow;
  readonly #running: Promise<void>;
  #stopping = false;

  constructor(options: StandInOptions) {
    this.#o = options;
    const { endpoints, tls, cluster } = options;
    const [dial, clock, prefix] = [grpcDial(tls), () => performance.now(), clusterPrefix(cluster)];
    this.#caller = new Caller({ endpoints, dial, clock, random: Math.random });
    this.#store = new EtcdStore(this.#caller, prefix);
    this.#follow = new Follow({ endpoints, dial, prefix, clock, wall: Date.now, calendar: { lastBefore: () => undefined } });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#follow.stop();
    await this.#running;
    this.#caller.close();
  }

  async #run(): Promise<void> {
    const member = { boot: 'b', version: '0.1.0', addresses: [], ready: true };
    await this.#store.commit({ compare: [], writes: [put('member', [this.#o.server], member)] });
    while (!this.#stopping) {
      if (!this.idle) await this.#act();
      await this.#follow.next();
    }
  }

  async #act(): Promise<void> {
    const { server, refuses } = this.#o;
    const seen = this.#follow.view()?.state;
    const ring = seen?.roster.get(server)?.value.ring;
    const pointer = ring === undefined ? undefined : seen!.target.get(ring);
    const own = seen?.applied.get(server);
    if (pointer === undefined || own?.value.seen === pointer.mod) return;
    const { root, release, prepare } = pointer.value;
    const wanted = prepare?.root ?? root;
    const error = refuses(wanted) ?? null;
    const running = error !== null && prepare === undefined ? (own?.value.running ?? null) : root;
    const state = error === null ? (prepare === undefined ? 'applied' : 'prepared') : 'refused';
    const value = appliedValue({ release, root, seen: pointer.mod, state, running, error, prepared: wanted });
    await this.#store.commit(writeBack(server, ring!, value, own?.mod ?? 0));
  }
}
