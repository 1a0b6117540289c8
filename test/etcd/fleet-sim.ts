/**
 * Many servers, reduced to their cluster part, in some processes on one real etcd: what they cost while nothing happens, and what
 * a rack costs that dies for all of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { shardsOf } from '../../src/cluster/evidence/witnesses.ts';
import { clusterPrefix, keyOf } from '../../src/cluster/keys.ts';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { type Operation, txnRequest } from '../../src/cluster/wire/txn.ts';
import { until } from '../../src/lab/until.ts';
import { CLUSTER, type EtcdCluster } from './cluster.ts';
import type { SimCount, SimInit, ToSim } from './sim.child.ts';

const PREFIX = clusterPrefix(CLUSTER);
const PER_PROCESS = 50;
const OPERATIONS = 100;
/** Servers that join in a second: each is told to all that are there, and etcd and all servers share two cores here. */
const JOINS_PER_S = 4;
const REAL_SERVERS = 60_000;
/** Real servers in the rack that dies, from the first one on. */
const IN_RACK = 200;
/** A check's interval: servers find the fault at different times within it. */
const FOUND_WITHIN_MS = 1000;
const QUIET_MS = 15_000;
const ASK_EVERY_MS = 1000;
const KNOWN_MS = 60_000;
const SETTLE_MS = 120_000;

export interface Simulated {
  readonly servers: number;
  /** From the last join until all are there, mirror each other, and hear all of their shard, s. */
  readonly settledS: number;
  /** While nothing happens, per second. */
  readonly quiet: Load;
  /** While a rack dies, in all. */
  readonly fault: Load;
  /** Memory of all members of etcd, MB; of all servers, in as many processes. */
  readonly etcdMb: number;
  readonly serversMb: number;
  /** From the death of the rack until a server knows it by at least two thirds of its witnesses, ms. */
  readonly known: { readonly p50: number; readonly p99: number; readonly worst: number; readonly never: number };
}

interface Load {
  readonly writes: number;
  /** Changes of keys that arrived, summed over all servers. */
  readonly deliveries: number;
  /** CPU time of all members, ms. */
  readonly etcdMs: number;
  /** CPU time of all servers, ms. */
  readonly serversMs: number;
}

/** The processes that the servers are in. */
class Processes {
  readonly #children: readonly ChildProcess[];
  readonly #count: number;

  private constructor(children: readonly ChildProcess[], count: number) {
    this.#children = children;
    this.#count = count;
  }

  static async start(init: SimInit): Promise<Processes> {
    const groups = Array.from({ length: Math.ceil(init.servers.length / PER_PROCESS) }, (_, k) =>
      init.servers.slice(k * PER_PROCESS, (k + 1) * PER_PROCESS),
    );
    const children = groups.map(() =>
      fork(new URL('./sim.child.ts', import.meta.url), { execArgv: ['--max-semi-space-size=4'] }),
    );
    const made = new Processes(children, init.servers.length);
    for (const [k, servers] of groups.entries()) {
      made.#send(k, { do: 'init', init: { ...init, servers } });
      await once(children[k]!, 'message');
    }
    return made;
  }

  async join(): Promise<void> {
    for (let index = 0; index < this.#count; index++) {
      const process = index % this.#children.length;
      this.#send(process, { do: 'join', index: Math.floor(index / this.#children.length) });
      await sleep(1000 / JOINS_PER_S);
    }
  }

  speak(): void {
    for (const k of this.#children.keys()) this.#send(k, { do: 'speak' });
  }

  die(): void {
    for (const k of this.#children.keys()) this.#send(k, { do: 'die', rack: IN_RACK, withinMs: FOUND_WITHIN_MS });
  }

  async count(): Promise<SimCount> {
    const asked = this.#children.map(async (child, k) => {
      const answer = once(child, 'message') as Promise<[SimCount]>;
      this.#send(k, { do: 'count', members: this.#count });
      return (await answer)[0];
    });
    const counts = await Promise.all(asked);
    const sum = (of: (count: SimCount) => number) => counts.reduce((total, count) => total + of(count), 0);
    return {
      connected: sum(({ connected }) => connected),
      members: Math.max(...counts.map(({ members }) => members)),
      errors: [...new Set(counts.flatMap(({ errors }) => errors))],
      see: sum(({ see }) => see),
      hear: sum(({ hear }) => hear),
      deliveries: sum(({ deliveries }) => deliveries),
      cpuMs: sum(({ cpuMs }) => cpuMs),
      rssMb: sum(({ rssMb }) => rssMb),
      knownAt: counts.flatMap(({ knownAt }) => knownAt),
    };
  }

  async stop(): Promise<void> {
    const ended = this.#children.map((child) => once(child, 'exit'));
    for (const k of this.#children.keys()) this.#send(k, { do: 'stop' });
    await Promise.all(ended);
  }

  #send(k: number, message: ToSim): void {
    this.#children[k]!.send(message);
  }
}

/** Runs `count` servers on this etcd. `tell` gets a line of each step. */
export async function simulate(etcd: EtcdCluster, count: number, tell: (line: string) => void): Promise<Simulated> {
  const api = etcd.caller('api');
  const names = Array.from({ length: count }, (_, index) => `lb-${String(index).padStart(4, '0')}`);
  await write(
    api,
    names.map((server) => [keyOf('roster', server), JSON.stringify({ ring: 'all', rack: `rack-${server}` })]),
  );
  const shards = shardsOf(names);
  const sizes = Map.groupBy(names, (server) => shards.get(server)!);
  const servers = names.map((server) => {
    const shard = shards.get(server)!;
    return { server, shard, witnesses: sizes.get(shard)!.length - 1 };
  });
  const init = { cluster: CLUSTER, endpoints: etcd.endpoints, tls: etcd.tls('api'), servers, realServers: REAL_SERVERS };
  const processes = await Processes.start(init);
  tell(`${count} servers join, ${JOINS_PER_S} a second`);
  await processes.join();
  const settled = async (what: string, is: (count: SimCount) => boolean) => {
    const ask = async () => {
      const now = await processes.count();
      const { connected, members, see, hear, errors } = now;
      const why = errors.slice(0, 3).join('; ');
      tell(`${connected} of ${count} are connected, one sees ${members}, ${see} see all, ${hear} hear their shard; ${why}`);
      return is(now);
    };
    await until(`${count} servers ${what}`, SETTLE_MS, ask, ASK_EVERY_MS);
  };
  const joined = performance.now();
  await settled('see each other', ({ see }) => see === count);
  processes.speak();
  await settled('hear each other', ({ hear }) => hear === count);
  const settledS = (performance.now() - joined) / 1000;

  const quiet = await load(etcd, processes, () => sleep(QUIET_MS));
  let diedAt = 0;
  const fault = await load(etcd, processes, async () => {
    diedAt = Date.now();
    processes.die();
    const known = async () => (await processes.count()).knownAt.length === count;
    await until('all know', KNOWN_MS, known, ASK_EVERY_MS).catch(() => undefined);
  });
  const { knownAt, rssMb: serversMb } = await processes.count();
  const etcdMb = etcd.pids().reduce((sum, pid) => sum + rssOf(pid), 0);
  const times = knownAt.map((at) => at - diedAt).toSorted((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
  await processes.stop();
  api.close();
  const seconds = QUIET_MS / 1000;
  const perSecond = Object.fromEntries(Object.entries(quiet).map(([name, n]) => [name, n / seconds])) as unknown as Load;
  const known = { p50: at(0.5), p99: at(0.99), worst: at(1), never: count - times.length };
  return { servers: count, settledS, quiet: perSecond, fault, etcdMb, serversMb, known };
}

async function load(etcd: EtcdCluster, processes: Processes, during: () => Promise<unknown>): Promise<Load> {
  const counts = async () => {
    const { deliveries, cpuMs: serversMs } = await processes.count();
    const etcdMs = etcd.pids().reduce((sum, pid) => sum + cpuOf(pid), 0);
    return { writes: await etcd.revision(), deliveries, etcdMs, serversMs };
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

const rssOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

async function write(api: Caller, entries: readonly (readonly [string, string])[]): Promise<void> {
  for (let first = 0; first < entries.length; first += OPERATIONS) {
    const operations = entries
      .slice(first, first + OPERATIONS)
      .map(([key, text]): Operation => ({ op: 'put', key: PREFIX + key, value: text }));
    await api.call(METHODS.txn, txnRequest({ compare: [], operations }), { timeoutMs: 5000, againForMs: 20_000 });
  }
}
