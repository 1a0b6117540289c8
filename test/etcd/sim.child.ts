/** Some of the servers of a simulation, in a process of their own; `FleetSim` starts it. */
import { createHash } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { RootLists } from '../../src/cluster/evidence/lists.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { monotonicMs as clock } from '../../src/sys/clock.ts';
import type { EtcdTls } from '../../src/model/plan.ts';
import { SimServer } from './sim-server.ts';

export interface SimInit {
  readonly cluster: string;
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
  readonly servers: readonly { readonly server: string; readonly shard: number; readonly witnesses: number }[];
  readonly realServers: number;
}

export type ToSim =
  | { readonly do: 'init'; readonly init: SimInit }
  /** One server joins. */
  | { readonly do: 'join'; readonly index: number }
  /** All say what they find, and hear the others. */
  | { readonly do: 'speak' }
  /** How it stands, counted. */
  | { readonly do: 'count'; readonly members: number }
  /** A rack with so many real servers dies, which each server finds within this time. */
  | { readonly do: 'die'; readonly rack: number; readonly withinMs: number }
  | { readonly do: 'stop' };

export interface SimCount {
  /** Servers that are connected; that see all members; that hear all of their shard. */
  readonly connected: number;
  readonly see: number;
  readonly hear: number;
  /** Most members that one of them sees. */
  readonly members: number;
  /** Why connections and leases failed last; some of it. */
  readonly errors: readonly string[];
  readonly deliveries: number;
  readonly cpuMs: number;
  readonly rssMb: number;
  /** When each that knows of the fault first did, ms of the machine's clock. */
  readonly knownAt: readonly number[];
}

/** Servers that share the connection of their leases. */
const PER_CALLER = 25;
/** Within it all begin to speak. */
const SPEAK_MS = 30_000;

// etcd goes first: in a fleet it has machines of its own.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

let servers: readonly SimServer[] = [];
let witnesses: readonly number[] = [];

function begin({ cluster, endpoints, tls, servers: wanted, realServers }: SimInit): void {
  const lists = new RootLists();
  const root = createHash('sha256').update('the release').digest('hex');
  const addresses = Array.from({ length: realServers }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:80`);
  lists.keep(root, addresses.toSorted().join('\n'));
  const dial = grpcDial(tls);
  const count = Math.ceil(wanted.length / PER_CALLER);
  const callers = Array.from({ length: count }, () => new Caller({ endpoints, dial, clock, random: Math.random }));
  servers = wanted.map(({ server, shard }, index) => {
    const caller = callers[Math.floor(index / PER_CALLER)]!;
    return new SimServer({ cluster, server, shard, endpoints, dial, caller, lists, root });
  });
  witnesses = wanted.map((each) => each.witnesses);
}

function count(members: number): SimCount {
  const { user, system } = process.cpuUsage();
  return {
    connected: servers.filter((server) => server.isConnected).length,
    see: servers.filter((server) => server.isConnected && server.members === members).length,
    members: servers.map((server) => server.members).reduce((a, b) => Math.max(a, b), 0),
    errors: [...new Set(servers.flatMap((server) => server.errors))].slice(0, 3),
    hear: servers.filter((server, index) => server.witnesses === witnesses[index]).length,
    deliveries: servers.reduce((sum, server) => sum + server.deliveries, 0),
    cpuMs: (user + system) / 1000,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    knownAt: servers.flatMap(({ knownAt }) => (knownAt > 0 ? [knownAt] : [])),
  };
}

process.on('message', (message: ToSim) => {
  switch (message.do) {
    case 'init':
      begin(message.init);
      return process.send!('ready');
    case 'join':
      return servers[message.index]!.join();
    case 'speak':
      for (const server of servers) server.speak(Math.random() * SPEAK_MS);
      return undefined;
    case 'count':
      return process.send!(count(message.members));
    case 'die': {
      const rack = Array.from({ length: message.rack }, (_, index) => index);
      for (const server of servers) setTimeout(() => (server.bad = rack), Math.random() * message.withinMs);
      return undefined;
    }
    case 'stop':
      return void Promise.all(servers.map((server) => server.stop())).then(() => process.exit(0));
  }
});
process.once('disconnect', () => process.exit(1));
