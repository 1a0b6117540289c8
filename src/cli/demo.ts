/** `fourlane demo`: the whole thing on one machine, with real traffic. What `npm start` runs. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Agent } from '../lab/agent.ts';
import { clusterScenarios, listOfScenarios } from '../lab/cluster/scenarios.ts';
import { balancers } from '../lab/cluster/topology.ts';
import { now } from '../lab/control.ts';
import { type Fault, faultsOf } from '../lab/faults.ts';
import { forward } from '../lab/forward.ts';
import { Lab } from '../lab/lab.ts';
import { Loopback } from '../lab/loopback.ts';
import { type Monitoring, openMonitoring } from '../lab/monitoring.ts';
import { play, QUICK_RECOVERY } from '../lab/play.ts';
import { ROUTERS, type Routers } from '../lab/routers/speaker.ts';
import { account, pageLines, phases, traffic } from '../lab/tell.ts';
import { labLayout } from '../lab/topology.ts';
import type { World } from '../lab/world.ts';
import { parseDuration } from '../model/duration.ts';
import { demoCluster } from './demo-cluster.ts';
import { tellOutcome } from './demo-outcome.ts';
import { terminal } from './output.ts';

const HELP = `Usage: npm start -- [--cluster 3] [--scenario NAME] [--with-prometheus] [--duration 60s] [--port 9844]
(fourlane demo, when installed)

A load balancer with 3 NICs, 12 real servers and 4 services (one per NIC, one on all), clients that send 20 requests per
second to each service, and the agent watching. As root everything runs in network namespaces of its own; without root or
iproute2 on loopback addresses, which can't show a NIC failing. Ctrl-C removes everything.

  --cluster 3      three load balancers below one router, each announcing the VIPs by BGP, and an etcd of three members from
                   which they take their configuration; with scenarios of its own, of which several may be
                   named, by comma. Needs root
  --routers WHAT   routing daemons (bird, frr or mixed) on load balancer, routers and spine: VIPs and SNAT prefixes are
                   announced by BGP, and a NIC that failed has its session shut. With --cluster always, bird by default
  --scenario NAME  play one fault, heal it, print requests before, during and after, and exit: 0 as expected, 1 not
  --scenario list  the names
  --with-prometheus  also Prometheus and Alertmanager with the shipped rules; pages are printed as they are sent
  --duration TIME  end by itself; default: until Ctrl-C
  --port PORT      where the status page is opened (default 9844; 0 = any free one)
  --host ADDRESS   on which address; default 127.0.0.1
  --loopback       use loopback addresses even as root
  --quiet          leave out the agent's log

Example:
  npm start -- --scenario link-cut
`;

interface Options {
  readonly scenario: string | undefined;
  readonly durationMs: number;
  readonly port: number;
  readonly host: string;
  readonly loopback: boolean;
  readonly quiet: boolean;
  readonly withPrometheus: boolean;
  readonly cluster: boolean;
  readonly routers: Routers | undefined;
}

const print = (text: string) => terminal.out(`${text}\n`);

/** Runs the command; resolves to the exit status: 0 shown (and as expected), 1 not. */
export async function demo(argv: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = parse(argv);
  } catch (error) {
    terminal.err(`${(error as Error).message}\n\n${HELP}`);
    return 1;
  }
  if (options === undefined) {
    terminal.out(HELP);
    return 0;
  }
  if (options.scenario === 'list') {
    print(options.cluster ? listOfScenarios() : faultList());
    return 0;
  }
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await (options.cluster ? demoCluster : inWorld)(options, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return 0;
    terminal.err(`${(error as Error).message}\n`);
    return 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function faultList(): string {
  const needs = (fault: Fault) => (fault.needsNetwork === true ? '  (needs root)' : '');
  return faultsOf(labLayout)
    .map((fault) => `${fault.name.padEnd(16)} ${fault.title}${needs(fault)}`)
    .join('\n');
}

/** The options; undefined = help is wanted. Throws with a message for people. */
function parse(argv: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: { type: 'string' },
      duration: { type: 'string' },
      port: { type: 'string', default: '9844' },
      host: { type: 'string', default: '127.0.0.1' },
      loopback: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      'with-prometheus': { type: 'boolean', default: false },
      cluster: { type: 'string' },
      routers: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const cluster = values.cluster !== undefined;
  if (cluster && Number(values.cluster) !== balancers.length)
    throw new Error(`--cluster: found ${values.cluster}; the lab has ${balancers.length} load balancers`);
  const routers = ROUTERS.find((name) => name === values.routers);
  if (values.routers !== undefined && routers === undefined)
    throw new Error(`--routers: found ${values.routers}; allowed: ${ROUTERS.join(', ')}`);
  const names = (cluster ? clusterScenarios : faultsOf(labLayout)).map(({ name }) => name);
  // Several of them with --cluster only: it takes a while until it stands.
  const wanted = values.scenario === undefined ? [] : cluster ? values.scenario.split(',') : [values.scenario];
  const unknown = wanted.find((name) => values.scenario !== 'list' && !names.includes(name));
  if (unknown !== undefined) throw new Error(`--scenario: there is no "${unknown}"; there are: ${names.join(', ')}`);
  const durationMs = values.duration === undefined ? Number.POSITIVE_INFINITY : parseDuration(values.duration);
  if (durationMs === undefined) throw new Error(`--duration: "${values.duration}" is not a duration; write 60s or 5m`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port: "${values.port}" is not a port`);
  const { scenario, host, loopback, quiet } = values;
  return { scenario, durationMs, port, host, loopback, quiet, withPrometheus: values['with-prometheus'], cluster, routers };
}

async function inWorld(options: Options, signal: AbortSignal): Promise<number> {
  const world = await build(options);
  let page: Server | undefined;
  let agent: Agent | undefined;
  let monitoring: Monitoring | undefined;
  let muted = options.quiet;
  const log = (line: string) => muted || print(`  ${line}`);
  try {
    const fault = faultsOf(world.layout).find((fault) => fault.name === options.scenario);
    if (fault?.needsNetwork === true && !(world instanceof Lab)) {
      terminal.err(
        `"${fault.name}" hurts a network: it needs root and iproute2. Try: sudo npm start -- --scenario ${fault.name}\n`,
      );
      return 1;
    }
    page = await openPage(world, options.host, options.port);
    print('The agent starts; its log follows.\n');
    agent = await unlessAborted(Agent.start(world, { rules: fault === undefined ? {} : QUICK_RECOVERY, onLine: log }), signal);
    print('\nEvery NIC, real server and service is well.');
    if (options.withPrometheus) monitoring = await unlessAborted(openMonitoring(world, print), signal);
    if (fault !== undefined) return await unlessAborted(scenario(world, agent, fault, monitoring), signal);
    await watch(world, Math.min(now() + options.durationMs), signal, monitoring);
    return 0;
  } finally {
    // The result is the last thing to read, not the agent's farewell.
    muted = true;
    page?.close();
    monitoring?.close();
    await agent?.stop();
    world.close();
  }
}

/** A world of namespaces where that is possible, else of loopback addresses; prints which, and what it cannot show. */
async function build({ loopback, routers }: Options): Promise<World> {
  if (!loopback && process.getuid?.() === 0) {
    try {
      const lab = await Lab.start({}, routers);
      print(
        `Built a network of 9 namespaces (${lab.space.prefix}-*): 3 NICs, their routers, 3 racks with 12 real servers, clients.`,
      );
      return lab;
    } catch (error) {
      if (routers !== undefined) throw error;
      print(`No network namespaces here: ${(error as Error).message}`);
    }
  } else if (routers !== undefined) {
    throw new Error('--routers: routing daemons need network namespaces, that is root and iproute2, and no --loopback');
  } else if (!loopback) {
    print('Not root, so no network namespaces.');
  }
  print(
    'Using loopback addresses as lanes: three lanes on the one interface lo. This shows probing, real-server faults, actions,',
  );
  print(
    "metrics and the status page. It can't show a NIC, link, gateway or path failing, nor IPv6, nor that probes leave by " +
      'their NIC.',
  );
  return Loopback.start();
}

/** Makes the status page reachable from this machine's browsers; prints where. A taken port is no reason to fail. */
async function openPage(world: World, host: string, port: number): Promise<Server> {
  const at = (port: number) => forward({ host, port: port }, { path: world.agentSocket });
  const server = await at(port).catch((error: NodeJS.ErrnoException) => {
    print(`Port ${port} is not free (${error.code}); taking another.`);
    return at(0);
  });
  const { port: taken } = server.address() as { port: number };
  const url = `http://${host}:${taken}/`;
  print(`Status page: ${url}   metrics: ${url}metrics`);
  const opener = ['/usr/bin/xdg-open', '/usr/local/bin/xdg-open'].find(existsSync);
  if (opener !== undefined && (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']) !== undefined) {
    spawn(opener, [url], { stdio: 'ignore', detached: true })
      .on('error', () => undefined)
      .unref();
  }
  return server;
}

/** A line of traffic every five seconds. */
async function watch(world: World, until: number, signal: AbortSignal, monitoring?: Monitoring): Promise<void> {
  print('Ctrl-C ends. Requests in the last 5 s:\n');
  let shown = now();
  while (!signal.aborted && now() < until) {
    await sleep(Math.min(5000, Math.max(0, until - now())), undefined, { signal }).catch(() => undefined);
    const reduced = Object.keys((await world.dataplane()).reduced);
    print(
      `${traffic(await world.tally(now() - 6000, now() - 1000))}${reduced.length > 0 ? `   reduced: ${reduced.join(', ')}` : ''}`,
    );
    const since = shown;
    shown = now();
    for (const line of pageLines((await monitoring?.sent(since)) ?? [])) print(line);
  }
}

async function scenario(world: World, agent: Agent, fault: Fault, monitoring: Monitoring | undefined): Promise<number> {
  print(`\nScenario ${fault.name}: ${fault.title}. First 3 s of traffic in peace …`);
  const t0 = now();
  await sleep(3000);
  print(`Now the fault. (Hold-downs before recovery are shortened for the demo; detection is not.)`);
  const t1 = now();
  const row = await play(world, agent, fault, print);
  const t2 = now();
  print('Recovered. Another 3 s of traffic …\n');
  await sleep(4100);
  const requests = await world.phases(t0, t1, t2, t2 + 3000);
  print(phases(requests, fault.hurts));
  print('');
  print(account(row));
  return tellOutcome({ world, monitoring, problems: row.problems, requests, began: t0, struck: t1 }, print);
}

/** The promise, or a rejection as soon as the user interrupts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true })),
  ]);
}
