/**
 * Many servers reduced to what they do with etcd, in one process: each has its mirror, its lease and its `Fleet`, as an agent has
 * them; only what they find of their real servers is given. Evidence of a rack that dies for all of them is timed.
 */
import { readFileSync } from 'node:fs';
import { Fleet, type FleetParts } from '../../src/cluster/fleet/fleet.ts';
import type { RootLists } from '../../src/cluster/evidence/lists.ts';
import { shardsOf } from '../../src/cluster/evidence/witnesses.ts';
import { clusterPrefix, keyOf } from '../../src/cluster/keys.ts';
import { Lease } from '../../src/cluster/lease/lease.ts';
import { Mirror } from '../../src/cluster/mirror/mirror.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import { watchedBy } from '../../src/cluster/start.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { prefixRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { type Operation, txnRequest } from '../../src/cluster/wire/txn.ts';
import { monotonicMs as clock } from '../../src/sys/clock.ts';
import { until } from '../../src/lab/until.ts';
import { CLUSTER, type EtcdCluster } from './cluster.ts';

const PREFIX = clusterPrefix(CLUSTER);
const TURN_MS = 500;
/** Servers that share the connection of their leases: in one process a thousand more would say nothing. */
const PER_CALLER = 25;
const OPERATIONS = 100;
/** So many connect at once, and then the next ones: one process makes all handshakes. */
const AT_ONCE = 20;
const AT_ONCE_MS = 500;
/** Real servers in the rack that dies, from the first one on. */
const IN_RACK = 200;
/** A check's interval: servers find the fault at different times within it. */
const FOUND_WITHIN_MS = 1000;
const QUIET_MS = 15_000;

export interface Simulated {
  readonly servers: number;
  /** Until all are there and mirror each other, s. */
  readonly joinedS: number;
  /** While nothing happens, per second. */
  readonly quiet: Load;
  /** While a rack dies, in all. */
  readonly fault: Load;
  /** From the death of the rack until a server knows it by at least two thirds of its witnesses, ms. */
  readonly known: { readonly p50: number; readonly p99: number; readonly worst: number; readonly never: number };
}

interface Load {
  readonly writes: number;
  /** Changes of keys that arrived, summed over all servers. */
  readonly deliveries: number;
  /** CPU time of all members, ms. */
  readonly etcdMs: number;
  /** CPU time of this process, which is all servers, ms. */
  readonly serversMs: number;
}

const nameOf = (index: number) => `lb-${String(index).padStart(4, '0')}`;
const range = (servers: number) => Array.from({ length: servers }, (_, index) => nameOf(index));

class SimulatedServer {
  readonly fleet: Fleet;
  readonly #mirror: Mirror;
  readonly #lease: Lease;
  readonly #watched: ReturnType<typeof watchedBy>;
  readonly #replicas: readonly Replica[];
  connected = false;
  deliveries = 0;
  bad: readonly number[] = [];
  /** When it first knew the fault by two thirds of its witnesses. */
  knownAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: string, shard: number, { etcd, caller, lists }: { etcd: EtcdCluster; caller: Caller; lists: RootLists }) {
    this.#watched = watchedBy(CLUSTER, server, shard);
    this.#replicas = this.#watched.map(() => new Replica());
    this.#lease = new Lease({ caller, clock, changed: () => undefined });
    const dial = grpcDial(etcd.tls('api'));
    const ranges = this.#watched.map(({ key, prefix }) => (prefix ? prefixRange(key) : { key }));
    this.#mirror = new Mirror(
      { endpoints: etcd.endpoints, dial, ranges, clock, random: Math.random },
      {
        batch: (index, batch) => {
          this.deliveries += batch.changes.length;
          this.#lease.observed(batch.changes);
          this.#replicas[index]!.apply(batch);
          this.fleet.changed();
          return undefined;
        },
        state: ({ connected }) => (this.connected = connected),
      },
    );
    const calendar = { lastBefore: () => undefined };
    const parts: FleetParts = {
      cluster: CLUSTER,
      server,
      boot: server,
      epoch: 1,
      lists,
      calendar,
      clock,
      wall: Date.now,
      log: () => undefined,
    };
    this.fleet = new Fleet(parts);
    this.#lease.set(
      PREFIX + keyOf('member', server),
      Buffer.from(JSON.stringify({ boot: server, version: '1', addresses: [], ready: true })),
    );
  }

  connect(): void {
    void this.#mirror.run();
    void this.#lease.run();
  }

  /** Whether it is connected and sees so many servers. */
  sees(count: number): boolean {
    return this.connected && this.#replicas[this.#watched.findIndex(({ name }) => name === 'member')]!.items.size === count;
  }

  start(root: string, phaseMs: number): void {
    const replicas = this.#replicas;
    const isConnected = () => this.connected;
    this.fleet.join({
      names: this.#watched.map(({ name }) => name),
      call: () => Promise.reject(new Error('no budget is asked')),
      hold: (key, value) => this.#lease.set(key, value),
      items: (index) => replicas[index]!.items,
      get staleSince() {
        return isConnected() ? undefined : 0;
      },
    });
    const turn = () => {
      const heard = this.fleet.turn({
        root,
        frozen: '',
        blind: false,
        bad: () => this.bad,
        waiting: [],
        keeps: () => false,
        settled: true,
      });
      if (heard === undefined || this.knownAt > 0 || heard.witnesses === 0) return;
      const at = heard.servers.indexOf(0);
      if (at >= 0 && heard.bad[at]! >= (2 / 3) * heard.witnesses) this.knownAt = performance.now();
    };
    setTimeout(() => (this.#timer = setInterval(turn, TURN_MS)), phaseMs);
  }

  /** Others of its shard whose evidence has come. */
  get witnesses(): number {
    return this.fleet.shown.witnesses;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#mirror.stop();
    await this.#lease.stop({ revoke: true });
  }
}

/** Runs `count` servers on this etcd, whose members are these processes. */
export async function simulate(etcd: EtcdCluster, count: number, root: string, lists: RootLists): Promise<Simulated> {
  const api = etcd.caller('api');
  const names = range(count);
  await write(
    api,
    names.map((server) => [keyOf('roster', server), JSON.stringify({ ring: 'all', rack: `rack-${server}` })]),
  );
  const shards = shardsOf(names);
  const callers = names.filter((_, index) => index % PER_CALLER === 0).map(() => etcd.caller('api'));
  const servers = names.map((server, index) => {
    const caller = callers[Math.floor(index / PER_CALLER)]!;
    return new SimulatedServer(server, shards.get(server)!, { etcd, caller, lists });
  });
  const began = performance.now();
  for (const [index, server] of servers.entries()) {
    server.connect();
    if (index % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setTimeout(resolve, AT_ONCE_MS));
  }
  await until(`${count} servers see each other`, 300_000, () => servers.every((server) => server.sees(count)));
  for (const server of servers) server.start(root, Math.random() * TURN_MS);
  const sizes = Map.groupBy(names, (server) => shards.get(server)!);
  const everybody = () =>
    servers.every(
      ({ connected, witnesses }, index) => connected && witnesses === sizes.get(shards.get(names[index]!)!)!.length - 1,
    );
  await until(`${count} servers hear each other`, 300_000, everybody);
  const joinedS = (performance.now() - began) / 1000;

  const quiet = await load(etcd, servers, () => new Promise((resolve) => setTimeout(resolve, QUIET_MS)));
  const rack = Array.from({ length: IN_RACK }, (_, index) => index);
  let diedAt = 0;
  const fault = await load(etcd, servers, async () => {
    diedAt = performance.now();
    for (const server of servers) setTimeout(() => (server.bad = rack), Math.random() * FOUND_WITHIN_MS);
    const known = () => servers.every(({ knownAt }) => knownAt > 0);
    await until('all know', 60_000, known).catch(() => undefined);
  });
  const times = servers.flatMap(({ knownAt }) => (knownAt > 0 ? [knownAt - diedAt] : [])).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
  await Promise.all(servers.map((server) => server.stop()));
  for (const caller of [...callers, api]) caller.close();
  const perSecond = Object.fromEntries(Object.entries(quiet).map(([name, n]) => [name, n / (QUIET_MS / 1000)]));
  const known = { p50: at(0.5), p99: at(0.99), worst: at(1), never: count - times.length };
  return { servers: count, joinedS, quiet: perSecond as unknown as Load, fault, known };
}

async function load(etcd: EtcdCluster, servers: readonly SimulatedServer[], during: () => Promise<unknown>): Promise<Load> {
  const counts = async () => {
    const { user, system } = process.cpuUsage();
    return {
      writes: await etcd.revision(),
      deliveries: servers.reduce((sum, server) => sum + server.deliveries, 0),
      etcdMs: etcd.pids().reduce((sum, pid) => sum + cpuOf(pid), 0),
      serversMs: (user + system) / 1000,
    };
  };
  const before = await counts();
  await during();
  const after = await counts();
  return {
    writes: after.writes - before.writes,
    deliveries: after.deliveries - before.deliveries,
    etcdMs: after.etcdMs - before.etcdMs,
    serversMs: after.serversMs - before.serversMs,
  };
}

/** CPU time of a process, ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function write(api: Caller, entries: readonly (readonly [string, string])[]): Promise<void> {
  for (let first = 0; first < entries.length; first += OPERATIONS) {
    const operations = entries
      .slice(first, first + OPERATIONS)
      .map(([key, text]): Operation => ({ op: 'put', key: PREFIX + key, value: text }));
    await api.call(METHODS.txn, txnRequest({ compare: [], operations }), { timeoutMs: 5000, againForMs: 20_000 });
  }
}
