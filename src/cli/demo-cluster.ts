/** `fourlane demo --cluster 3`: three load balancers, one configuration in etcd, live traffic, and what can happen to them. */
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterLab } from '../lab/cluster/cluster-lab.ts';
import { playCluster } from '../lab/cluster/play.ts';
import type { ClusterScenario } from '../lab/cluster/scenario.ts';
import { clusterScenarios } from '../lab/cluster/scenarios.ts';
import { clusterAccount, stepLine } from '../lab/cluster/tell.ts';
import { now } from '../lab/control.ts';
import { forward } from '../lab/forward.ts';
import type { Routers } from '../lab/routers/speaker.ts';
import { phases, traffic } from '../lab/tell.ts';
import { terminal } from './output.ts';

export interface ClusterDemo {
  readonly scenario: string | undefined;
  readonly durationMs: number;
  readonly port: number;
  readonly host: string;
  readonly quiet: boolean;
  readonly routers: Routers;
}

const print = (text: string) => terminal.out(`${text}\n`);
const PEACE_MS = 3000;
const PENDING_MS = 1100;

/** Runs it until it is over or interrupted; resolves to the exit status: 0 shown (and as expected), 1 not. */
export async function demoCluster(options: ClusterDemo, signal: AbortSignal): Promise<number> {
  if (process.getuid?.() !== 0) {
    terminal.err('--cluster builds a network: it needs root and iproute2. Try: sudo npm start -- --cluster 3\n');
    return 1;
  }
  const opened: Server[] = [];
  let muted = options.quiet;
  const abandoned = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true }),
  );
  let lab: ClusterLab | undefined;
  try {
    const starting = ClusterLab.start({
      routers: options.routers,
      tell: print,
      onLine: (server, line) => muted || print(`  ${server} ${line}`),
    });
    void starting.then((started) => (lab = started));
    await Promise.race([starting, abandoned]);
    const started = await starting;
    print('\nEvery NIC, real server and service is well, on every server.\n');
    await open(started, options, opened);
    const scenario = clusterScenarios.find(({ name }) => name === options.scenario);
    if (scenario !== undefined) return await Promise.race([play(started, scenario), abandoned]);
    await watch(started, now() + options.durationMs, signal);
    return 0;
  } finally {
    muted = true;
    for (const server of opened) server.close();
    // While it is being built, the end of the process removes it.
    for (const server of lab?.servers ?? []) await server.agent.stop();
    lab?.close();
  }
}

/** Makes pages and etcd reachable from this machine; prints where they are and what to try. */
async function open(lab: ClusterLab, { host, port }: ClusterDemo, opened: Server[]): Promise<void> {
  const at = async (where: string, wanted: number, path: string) => {
    const server = await forward({ host: where, port: wanted }, { path }).catch(() => forward({ host: where, port: 0 }, { path }));
    opened.push(server);
    return (server.address() as { port: number }).port;
  };
  for (const [k, server] of lab.servers.entries()) {
    const taken = await at(host, port === 0 ? 0 : port + k, server.agentSocket);
    print(`${server.name}  status page http://${host}:${taken}/   metrics http://${host}:${taken}/metrics`);
  }
  const sockets = await lab.openEtcd();
  const ports: number[] = [];
  for (const path of sockets) ports.push(await at('127.0.0.1', 0, path));
  const shared = lab.release();
  print(`
In another terminal, as root:
  export FOURLANE_CLUSTER=${lab.writeOperatorFile(ports)}
  npm run -s fourlane -- cluster status
  npm run -s fourlane -- cluster why ${lab.servers.at(-1)!.name}
  npm run -s fourlane -- cluster release ${shared} --why 'tried it'    # change it first
  ip -n ${lab.space.name('tor')} route show 10.0.0.1                   # who announces a VIP
`);
}

/** A line of traffic every five seconds. */
async function watch(lab: ClusterLab, until: number, signal: AbortSignal): Promise<void> {
  print('Ctrl-C ends. Requests in the last 5 s, by service and, after @, by the server that they were sent to:\n');
  while (!signal.aborted && now() < until) {
    await sleep(Math.min(5000, Math.max(0, until - now())), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) print(traffic(await lab.tally(now() - 6000, now() - 1000)));
  }
}

async function play(lab: ClusterLab, scenario: ClusterScenario): Promise<number> {
  print(`Scenario ${scenario.name}: ${scenario.title}. First 3 s of traffic in peace …\n`);
  const t0 = now();
  await sleep(PEACE_MS);
  const t1 = now();
  const row = await playCluster(lab, scenario, (taken) => print(stepLine(taken)));
  const t2 = now();
  print('\nRepaired, and all is well again. Another 3 s of traffic …\n');
  await sleep(PEACE_MS + PENDING_MS);
  const [before, during, after] = await Promise.all([lab.tally(t0, t1), lab.tally(t1, t2), lab.tally(t2, t2 + PEACE_MS)]);
  const hurt = Object.keys(during).filter((stream) => scenario.hurts(stream));
  print(phases(before, during, after, hurt));
  print('');
  print(clusterAccount(row));
  const peaceful = [...Object.values(before), ...Object.values(after)].every((tally) => tally.failed === 0 && tally.ok > 0);
  if (!peaceful) print('PROBLEM   requests failed before the fault or after its repair');
  const good = row.problems.length === 0 && peaceful;
  print(good ? '\nAs expected.' : '\nNOT as expected.');
  return good ? 0 : 1;
}
