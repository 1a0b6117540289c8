/**
 * Writers and mirrors on a real etcd while its members are killed, stopped, cut off, compacted. Every write is in the watched
 * range, so that revisions are dense: each one must be reported once, in order, as it was written, unless a snapshot covers it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { compactRequest, prefixRange, rangeRequest, readRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { until } from '../../src/lab/until.ts';
import { addressOf, EtcdCluster, PREFIX } from './cluster.ts';
import { Proxy } from './proxy.ts';
import { Witness } from './witness.ts';
import { Writers } from './writers.ts';

const MIRRORS = 3;
const WRITERS = 2;
const LONGEST_FAULT_MS = 6000;
const below = (n: number) => Math.floor(Math.random() * n);

export interface ChaosResult {
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly confirmed: number;
  readonly unclear: number;
  readonly revision: number;
  readonly reconnects: number;
  readonly snapshots: Readonly<Record<string, number>>;
  readonly offlineMs: { readonly p50: number; readonly p90: number; readonly max: number };
  readonly rssMb: number;
  /** What is not as it must be. */
  readonly wrong: readonly string[];
}

interface World {
  readonly cluster: EtcdCluster;
  readonly proxies: readonly Proxy[];
}

/** Lasts so long, ms, on member n. A fault ends what it began. */
type Fault = (world: World, n: number, ms: number) => Promise<unknown>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9': async ({ cluster }, n, ms) => {
    await cluster.kill(n);
    await sleep(ms);
    cluster.boot(n);
  },
  SIGSTOP: async ({ cluster }, n, ms) => {
    await cluster.signal(n, 'SIGSTOP');
    await sleep(ms);
    await cluster.signal(n, 'SIGCONT');
  },
  'clients cut': ({ cluster }, n, ms) => healed(cluster, n, ms, () => cluster.cutClients(n)),
  isolated: ({ cluster }, n, ms) => healed(cluster, n, ms, () => cluster.isolate(n)),
  'leader isolated': async ({ cluster }, _, ms) => {
    // None, while another fault has its end.
    const n = await cluster.leader().catch(() => 1);
    await healed(cluster, n, ms, () => cluster.isolate(n));
  },
  compacted: ({ cluster }) => compact(cluster),
  defragmented: ({ cluster }, n) => cluster.ctl(['defrag'], [cluster.endpoints[n - 1]!]).catch(() => undefined),
  frozen: async ({ proxies }, n, ms) => {
    proxies[n - 1]!.frozen = true;
    await sleep(ms);
    proxies[n - 1]!.frozen = false;
  },
  slow: async ({ proxies }, _, ms) => {
    for (const proxy of proxies) proxy.delayMs = 100;
    await sleep(ms);
    for (const proxy of proxies) proxy.delayMs = 0;
  },
  'cut within a message': async ({ proxies }, _, ms) => {
    for (const proxy of proxies) proxy.cut();
    await sleep(ms / 4);
    for (const proxy of proxies) proxy.cutAfter(20_000 + below(60_000));
  },
  'all cut, then compacted': async ({ cluster, proxies }, _, ms) => {
    for (const proxy of proxies) {
      proxy.refuses = true;
      proxy.cut();
    }
    await sleep(ms);
    await compact(cluster);
    for (const proxy of proxies) proxy.refuses = false;
  },
};

async function healed(cluster: EtcdCluster, n: number, ms: number, hurt: () => void): Promise<void> {
  hurt();
  await sleep(ms);
  cluster.heal(n);
}

/** At the present revision, or up to 30 before it. Not every time it comes through. */
async function compact(cluster: EtcdCluster): Promise<void> {
  const root = cluster.caller('root');
  try {
    const asked = { timeoutMs: 2000, againForMs: 5000 };
    const { header } = readRange(await root.call(METHODS.range, rangeRequest({ key: PREFIX }), asked));
    await root.call(METHODS.compact, compactRequest(header.revision - below(30)), { timeoutMs: 3000 });
  } catch {
    // Another fault is under way, or it was compacted further already.
  } finally {
    root.close();
  }
}

export interface ChaosOptions {
  /** Where the cluster is made, and removed. */
  readonly dir: string;
  readonly seconds: number;
  /** The longest between two writes of a writer, ms. */
  readonly pauseMs?: number;
  readonly log?: (line: string) => void;
}

/** Runs for so long. */
export async function chaos({ dir, seconds, pauseMs = 8, log = () => undefined }: ChaosOptions): Promise<ChaosResult> {
  const began = performance.now();
  const cluster = await EtcdCluster.start({ dir });
  const proxies = cluster.endpoints.map((_, i) => new Proxy(addressOf(i + 1), 2379));
  const ports = await Promise.all(proxies.map((proxy) => proxy.listen()));
  const writers = new Writers(cluster, WRITERS, pauseMs);
  const endpoints = ports.map((port) => `https://127.0.0.1:${port}`);
  const witnesses = Array.from({ length: MIRRORS }, () => new Witness(cluster, writers, endpoints));
  const faults = await hurt({ cluster, proxies }, began + seconds * 1000, log);
  await cluster.healthy();
  await writers.stop();
  const root = cluster.caller('root');
  const asked = { timeoutMs: 5000, againForMs: 20_000 };
  const truth = readRange(await root.call(METHODS.range, rangeRequest(prefixRange(PREFIX)), asked));
  root.close();
  // What did not arrive by then is reported below.
  const arrived = () => witnesses.every(({ revision }) => revision >= truth.header.revision);
  await until('all mirrors at the end', 40_000, arrived).catch(() => undefined);
  const wrong = witnesses.flatMap((witness, i) => witness.faults(truth).map((fault) => `mirror ${i}: ${fault}`));
  const offline = witnesses.flatMap(({ offline: times }) => times).toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(offline[Math.floor(offline.length * share)] ?? 0);
  const result = {
    seconds: Math.round((performance.now() - began) / 1000),
    faults,
    wrong,
    confirmed: writers.confirmed.size,
    unclear: writers.unclear,
    revision: truth.header.revision,
    reconnects: offline.length,
    snapshots: counted(witnesses.flatMap(({ whys }) => whys)),
    offlineMs: { p50: at(0.5), p90: at(0.9), max: Math.round(offline.at(-1) ?? 0) },
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
  };
  for (const witness of witnesses) await witness.stop();
  for (const proxy of proxies) proxy.close();
  await cluster.stop();
  return result;
}

/** Every kind in turn, in a random order each round. */
async function hurt(world: World, until: number, log: (line: string) => void): Promise<Record<string, number>> {
  const faults: Record<string, number> = {};
  for (;;) {
    for (const kind of Object.keys(FAULTS).toSorted(() => Math.random() - 0.5)) {
      if (performance.now() > until) return faults;
      const [n, ms] = [1 + below(3), 300 + below(LONGEST_FAULT_MS)];
      log(`${kind}, member ${n}, ${ms} ms`);
      await FAULTS[kind]!(world, n, ms);
      faults[kind] = (faults[kind] ?? 0) + 1;
      await sleep(200 + below(2000));
    }
  }
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
