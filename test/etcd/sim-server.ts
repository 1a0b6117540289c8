/**
 * A server reduced to what it does with etcd: its mirror, its lease and its `Fleet`, as an agent has them; only what it finds of
 * its real servers is given.
 */
import { Fleet } from '../../src/cluster/fleet/fleet.ts';
import type { RootLists } from '../../src/cluster/evidence/lists.ts';
import { clusterPrefix, keyOf } from '../../src/cluster/keys.ts';
import { Lease } from '../../src/cluster/lease/lease.ts';
import { Mirror } from '../../src/cluster/mirror/mirror.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import { watchedBy } from '../../src/cluster/start.ts';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import type { Dial } from '../../src/cluster/transport/link.ts';
import { prefixRange } from '../../src/cluster/wire/kv.ts';
import { monotonicMs as clock } from '../../src/sys/clock.ts';

const TURN_MS = 500;
/** Of the witnesses, which must find a real server bad before the fault is known. */
const KNOWN_SHARE = 2 / 3;

export interface SimServerParts {
  readonly cluster: string;
  readonly server: string;
  readonly shard: number;
  readonly endpoints: readonly string[];
  readonly dial: Dial;
  /** Of its lease. */
  readonly caller: Caller;
  readonly lists: RootLists;
  /** What runs everywhere. */
  readonly root: string;
}

export class SimServer {
  readonly #p: SimServerParts;
  readonly #fleet: Fleet;
  readonly #mirror: Mirror;
  readonly #lease: Lease;
  readonly #names: readonly string[];
  readonly #replicas: readonly Replica[];
  readonly #errors = { mirror: '', lease: '' };
  #connected = false;
  #timer: NodeJS.Timeout | undefined;
  /** Changes of keys that have arrived. */
  deliveries = 0;
  /** Real servers that it finds bad, ascending. */
  bad: readonly number[] = [];
  /** When it first knew of real server 0 by enough of its witnesses, ms of the machine's clock; 0 = it does not. */
  knownAt = 0;

  constructor(parts: SimServerParts) {
    const { cluster, server, shard, endpoints, dial, caller, lists } = parts;
    this.#p = parts;
    const watched = watchedBy(cluster, server, shard);
    this.#names = watched.map(({ name }) => name);
    this.#replicas = watched.map(() => new Replica());
    this.#lease = new Lease({ caller, clock, changed: ({ error }) => void (this.#errors.lease = error) });
    const ranges = watched.map(({ key, prefix }) => (prefix ? prefixRange(key) : { key }));
    this.#mirror = new Mirror(
      { endpoints, dial, ranges, clock, random: Math.random },
      {
        batch: (index, batch) => {
          this.deliveries += batch.changes.length;
          this.#lease.observed(batch.changes);
          this.#fleet.changed(index, this.#replicas[index]!.apply(batch));
          return undefined;
        },
        state: ({ connected, error }) => {
          this.#connected = connected;
          this.#errors.mirror = error;
        },
      },
    );
    const calendar = { lastBefore: () => undefined };
    const said = { boot: server, epoch: 1, lists, calendar, clock, wall: Date.now, log: () => undefined };
    this.#fleet = new Fleet({ cluster, server, ...said });
    const member = Buffer.from(JSON.stringify({ boot: server, version: '1', addresses: [], ready: true }));
    this.#lease.set(clusterPrefix(cluster) + keyOf('member', server), member);
  }

  /** Joins: it follows the others, and is there for them. */
  join(): void {
    void this.#mirror.run();
    void this.#lease.run();
  }

  /** Says and hears from now on, at turns that begin `phaseMs` from now. */
  speak(phaseMs: number): void {
    const replicas = this.#replicas;
    const isConnected = () => this.#connected;
    this.#fleet.join({
      names: this.#names,
      call: () => Promise.reject(new Error('no budget is asked')),
      hold: (key, value) => this.#lease.set(key, value),
      items: (index) => replicas[index]!.items,
      get staleSince() {
        return isConnected() ? undefined : 0;
      },
    });
    setTimeout(() => (this.#timer = setInterval(() => this.#turn(), TURN_MS)), phaseMs);
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** Members that it knows of. */
  get members(): number {
    return this.#replicas[this.#names.indexOf('member')]!.items.size;
  }

  /** Why it is not connected, or has no lease. */
  get errors(): readonly string[] {
    return Object.values(this.#errors).filter((error) => error !== '');
  }

  /** Others of its shard whose evidence has come. */
  get witnesses(): number {
    return this.#fleet.shown.witnesses;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#mirror.stop();
    await this.#lease.stop();
  }

  #turn(): void {
    const said = { root: this.#p.root, frozen: '', blind: false, waiting: [], keeps: () => false, settled: true } as const;
    const heard = this.#fleet.turn({ ...said, bad: () => this.bad });
    if (heard === undefined || this.knownAt > 0 || heard.witnesses === 0) return;
    const at = heard.servers.indexOf(0);
    if (at >= 0 && heard.bad[at]! >= KNOWN_SHARE * heard.witnesses) this.knownAt = Date.now();
  }
}
