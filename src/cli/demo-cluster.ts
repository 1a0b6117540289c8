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
import { type Monitoring, openMonitoring } from '../lab/monitoring.ts';
import type { Routers } from '../lab/routers/speaker.ts';
import { pageLines, phases, traffic } from '../lab/tell.ts';
import { tellOutcome } from './demo-outcome.ts';
import { terminal } from './output.ts';

export interface ClusterDemo {
  /** Names, by comma. */
  readonly scenario: string | undefined;
  readonly durationMs: number;
  readonly port: number;
  readonly host: string;
  readonly quiet: boolean;
  readonly withPrometheus: boolean;
  readonly routers: Routers | undefined;
}

const print = (text: string) => terminal.out(`${text}\n`);
const PEACE_MS = 2000;
/** Requests per second of each stream: of each service, wherever routing sends them, and to each server. */
const RATE = 4;
const PENDING_MS = 1100;

/** Runs it until it is over or interrupted; resolves to the exit status: 0 shown (and as expected), 1 not. */
export async function demoCluster(options: ClusterDemo, signal: AbortSignal): Promise<number> {
  if (process.getuid?.() !== 0) {
    terminal.err('--cluster builds a network: it needs root and iproute2. Try: sudo npm start -- --cluster 3\n');
    return 1;
  }
  const opened: Server[] = [];
  let monitoring: Monitoring | undefined;
  let muted = options.quiet;
  const { routers } = options;
  const onLine = (server: string, line: string) => muted || print(`  ${server} ${line}`);
  const lab = await ClusterLab.start({
    load: { rate: RATE },
    ...(routers === undefined ? {} : { routers }),
    tell: print,
    onLine,
    signal,
  });
  try {
    print('\nEvery NIC, real server and service is well, on every server.\n');
    await open(lab, options, opened);
    const agents = lab.servers.map(({ listen }) => listen);
    if (options.withPrometheus) monitoring = await openMonitoring(lab, print, { role: 'mgmt', agents });
    const wanted = options.scenario?.split(',').map((name) => clusterScenarios.find((scenario) => scenario.name === name)!);
    if (wanted === undefined) return await watch(lab, now() + options.durationMs, signal, monitoring);
    let worst = 0;
    for (const scenario of wanted) worst = Math.max(worst, await play(lab, scenario, monitoring));
    return worst;
  } finally {
    // The result is the last thing to read, not the farewell of the agents.
    muted = true;
    for (const server of opened) server.close();
    monitoring?.close();
    await Promise.all(lab.servers.map((server) => server.agent.stop()));
    lab.close();
  }
}

/** Makes pages and etcd reachable from this machine; prints where they are and what to try. */
async function open(lab: ClusterLab, { host, port }: ClusterDemo, opened: Server[]): Promise<void> {
  const at = async (where: string, wanted: number, path: string) => {
    const server = await forward({ host: where, port: wanted }, { path }).catch(() =>
      forward({ host: where, port: 0 }, { path }),
    );
    opened.push(server);
    return (server.address() as { port: number }).port;
  };
  for (const [k, server] of lab.servers.entries()) {
    const taken = await at(host, port === 0 ? 0 : port + k, server.agentSocket);
    print(`${server.name}  status page http://${host}:${taken}/   cluster http://${host}:${taken}/cluster`);
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
async function watch(lab: ClusterLab, until: number, signal: AbortSignal, monitoring?: Monitoring): Promise<number> {
  print('Ctrl-C ends. Requests in the last 5 s, by service and, after @, by the server that they were sent to:\n');
  let shown = now();
  while (!signal.aborted && now() < until) {
    await sleep(Math.min(5000, Math.max(0, until - now())), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    print(traffic(await lab.tally(now() - 6000, now() - 1000)));
    const since = shown;
    shown = now();
    for (const line of pageLines((await monitoring?.sent(since)) ?? [])) print(line);
  }
  return 0;
}

async function play(lab: ClusterLab, scenario: ClusterScenario, monitoring?: Monitoring): Promise<number> {
  print(`Scenario ${scenario.name}: ${scenario.title}. First 2 s of traffic in peace …\n`);
  const t0 = now();
  await sleep(PEACE_MS);
  const t1 = now();
  const row = await playCluster(lab, scenario, (taken) => print(stepLine(taken)));
  const t2 = now();
  print('\nRepaired, and all is well again. Another 2 s of traffic …\n');
  await sleep(PEACE_MS + PENDING_MS);
  const requests = await lab.phases(t0, t1, t2, t2 + PEACE_MS);
  const hurt = Object.keys(requests.during).filter((stream) => scenario.hurts(stream));
  print(phases(requests, hurt));
  print('');
  print(clusterAccount(row));
  return tellOutcome({ world: lab, monitoring, problems: row.problems, requests, began: t0, struck: t1 }, print);
}
