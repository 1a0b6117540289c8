/** What an idle cluster costs an agent: memory and CPU of those with an etcd, against the same agents without. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess, loopbackServers, serve, until, writeConfig } from '../system/harness.ts';
import { niceOf } from '../system/threads.ts';
import { CLUSTER, type EtcdCluster } from './cluster.ts';
import { HELD } from './held.ts';
import { Releaser } from './release.ts';

const SERVICES = 10;
/** Two agents that are alike differ by some 0.2 % of a core in a window, and by some MB as long as they live. */
const WINDOW_MS = 20_000;
const WINDOWS = 5;
/** The thread that read the configuration ends when it has idled for a minute; its pages are given back after that. */
const READER = 'config';
const READER_ENDS_MS = 180_000;
const SETTLED_MS = 15_000;
/** % of a core. */
const LEAST_SHOWN = 0.02;
/** As docs/systemd/fourlane.service starts it. Compiled code is kept at home. */
const environment = (dir: string) => [
  `HOME=${dir}`,
  'MALLOC_ARENA_MAX=2',
  `NODE_OPTIONS=--max-semi-space-size=4 --import=${HELD}`,
];

export interface IdleCost {
  /** Of resident memory (VmRSS): the median of the differences, as of CPU. */
  readonly megabytes: number;
  /** Of one core. */
  readonly percent: number;
  /** Where it comes from: threads of which one agent uses more than the other. */
  readonly threads: readonly { readonly thread: string; readonly percent: number }[];
}

const rssOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;

/** ms of CPU so far of these processes, by the names of threads, which several share. */
function cpuOf(pids: readonly number[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const task of pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`, { withFileTypes: true }))) {
    const of = (what: string) => readFileSync(join(task.parentPath, task.name, what), 'utf8').trim();
    try {
      const name = of('comm');
      sums.set(name, (sums.get(name) ?? 0) + Number(of('schedstat').split(' ')[0]) / 1e6);
    } catch {
      // It has just ended.
    }
  }
  return sums;
}

/** An agent without a cluster and the same in one, side by side, both idle and long started. */
export interface Pair {
  readonly alone: AgentProcess;
  readonly among: AgentProcess;
  /** Writes the file of the second one again, with these endpoints of etcd. */
  readonly reach: (endpoints: readonly string[]) => void;
}

/** Starts a pair for each of these servers, when what is compiled once has been compiled by agents before. */
export async function startPairs(etcd: EtcdCluster, dir: string, servers: readonly string[]): Promise<readonly Pair[]> {
  const { port } = await serve(0);
  const addresses = loopbackServers(SERVICES + 3, port);
  const services = Array.from({ length: SERVICES }, (_, k) => ({
    name: `web${k}`,
    vip: `10.0.0.${k + 1}:80/tcp`,
    check: { type: 'tcp', interval: '1s' },
    realServers: addresses.slice(k, k + 3),
  }));
  const api = etcd.caller('api');
  const releaser = new Releaser(api);
  for (const server of servers) await releaser.roster(server, 'all');
  const root = await releaser.release(1, { services });
  await releaser.target('all', { release: 1, root });
  api.close();
  const write = (name: string, own: object) => {
    const nics = [{ name: 'eth2', device: 'lo', source: '127.0.0.2' }];
    // Its FIFO has one reader, whose work is none of the cluster's.
    const collectors = { keepalived: { fifo: false } };
    return writeConfig(dir, { listen: '127.0.0.1:0', stateDir: join(dir, name), nics, collectors, ...own }, `${name}.yaml`);
  };
  const reach = (server: string, endpoints: readonly string[]) =>
    write(server, { cluster: { name: CLUSTER, etcd: { endpoints, tls: etcd.tls(server) }, prove: '1s' }, server });
  const files = servers.map((server) => [write(`${server}-alone`, { services }), reach(server, etcd.endpoints)] as const);
  const wrap = ['env', ...environment(dir)];
  const start = async (file: string) => {
    const agent = await AgentProcess.start(file, { wrap });
    await until('all services', 20_000, async () => (await agent.status()).services.length === SERVICES);
    return agent;
  };
  for (const file of files[0]!) await (await start(file)).end('SIGTERM');
  const pairs: AgentProcess[][] = [];
  for (const [alone, among] of files) pairs.push([await start(alone), await start(among)]);
  const agents = pairs.flat();
  await until('no configuration is read', READER_ENDS_MS, () => agents.every(({ pid }) => niceOf(pid, READER).length === 0));
  await sleep(SETTLED_MS);
  return pairs.map(([alone, among], i) => ({
    alone: alone!,
    among: among!,
    reach: (endpoints) => reach(servers[i]!, endpoints),
  }));
}

/** What one agent of a pair takes more than the other, on average, when what they need no more has been collected. */
export function idleCost(pairs: readonly Pair[]): Promise<IdleCost> {
  for (const agent of pairs.flatMap(({ alone, among }) => [alone, among])) agent.signal('SIGPWR');
  return costOf(pairs, WINDOW_MS);
}

/** As `idleCost`, of agents as they are. @param windowMs of each window of which the median counts */
export async function costOf(
  pairs: readonly { readonly alone: { readonly pid: number }; readonly among: { readonly pid: number } }[],
  windowMs: number,
): Promise<IdleCost> {
  const megabytes: number[] = [];
  const spent: Map<string, number>[] = [];
  const both = [pairs.map(({ alone }) => alone.pid), pairs.map(({ among }) => among.pid)];
  for (let k = 0; k < WINDOWS; k++) {
    const before = both.map(cpuOf);
    await sleep(windowMs);
    const [without, withIt] = both.map((pids, i) => lessThan(cpuOf(pids), before[i]!));
    spent.push(lessThan(withIt!, without!));
    const [less, more] = both.map((pids) => pids.reduce((sum, pid) => sum + rssOf(pid), 0));
    megabytes.push((more! - less!) / pairs.length);
  }
  const percent = (of: (difference: Map<string, number>) => number) => median(spent.map(of)) / (windowMs / 100) / pairs.length;
  const threads = [...new Set(spent.flatMap((each) => [...each.keys()]))]
    .map((thread) => ({ thread, percent: percent((difference) => difference.get(thread) ?? 0) }))
    .filter(({ percent }) => Math.abs(percent) > LEAST_SHOWN)
    .toSorted((a, b) => b.percent - a.percent);
  const total = (difference: Map<string, number>) => [...difference.values()].reduce((a, b) => a + b, 0);
  return { megabytes: median(megabytes), percent: percent(total), threads };
}

/** One less the other, name by name. */
function lessThan(of: ReadonlyMap<string, number>, less: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...new Set([...of.keys(), ...less.keys()])].map((name) => [name, (of.get(name) ?? 0) - (less.get(name) ?? 0)]));
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
