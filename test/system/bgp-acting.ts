/** An agent on a load balancer of the lab of BGP: real servers behind the router, and a NIC that loses them. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  BALANCERS,
  BIRD_SOCKET,
  birdConfig,
  configure,
  frrFolder,
  groupPrefix,
  type Kind,
  nicName,
  pidOf,
  reconfigureBird,
  runBird,
  runFrr,
  there,
} from './bgp-lab.ts';
import { endWithUs } from '../run/end-with-us.ts';
import { AgentProcess, QUICK, run, until, writeConfig } from './harness.ts';

const SERVERS = ['10.9.0.1', '10.9.0.2', '10.9.0.3'];
const PORT = 8080;
/** The NIC that fails; the other one is the first. */
export const LOST = 1;
const SERVER = `require('net').createServer(s => s.on('error', () => 0).end()).listen(${PORT}, () => console.log('listening'))`;

/** Real servers behind the router, and a way to them through both NICs. */
export async function serveBehindRouter(): Promise<void> {
  for (const server of SERVERS) run(`ip -n tor address add ${server}/32 dev lo`);
  for (const kind of ['frr', 'bird'] as const) {
    for (const i of [0, LOST])
      run(`ip -n ${BALANCERS[kind].name} route add 10.9.0.0/24 via ${there(kind, i)} dev ${nicName(i)} metric ${i + 1}`);
  }
  const server = ['netns', 'exec', 'tor', process.execPath, '-e', SERVER];
  const child = endWithUs(spawn('ip', server, { stdio: ['ignore', 'pipe', 'inherit'] }));
  await new Promise((resolve) => void child.stdout.once('data', resolve));
  child.stdout.destroy();
  child.unref();
}

/** A prefix for the kernel's routing table, one for each NIC. */
export const kernelPrefix = (kind: Kind, i: number) => `10.66.${BALANCERS[kind].number}.${8 * i}/29`;
/** A NIC that no fault touches. */
const QUIET = 2;

/** The kernel of a load balancer has routes of the operator's, and its daemon announces them over the first NIC. */
export function redistribute(kind: Kind): void {
  const prefixes = [0, LOST].map((i) => kernelPrefix(kind, i));
  for (const prefix of prefixes) run(`ip -n ${BALANCERS[kind].name} route add ${prefix} dev ${nicName(QUIET)} proto 201`);
  const name = there(kind, 0).replaceAll('.', '_');
  if (kind === 'frr') {
    const permits = prefixes.map((prefix) => `ip prefix-list FOURLANE-${name}-ipv4 permit ${prefix}`);
    configure('lf', ...permits, 'router bgp 65101', 'address-family ipv4 unicast', 'redistribute kernel');
    return;
  }
  const kernel = 'protocol kernel { learn; scan time 1; ipv4 { import all; export none; }; }';
  const filter = `export filter fourlane_${name}_ipv4`;
  const config = birdConfig();
  if (!config.includes(filter)) throw new Error(`there is no "${filter}"`);
  reconfigureBird(`${config.replaceAll(filter, `export where net ~ [${prefixes.join(', ')}]`)}\n${kernel}`);
}

/** Whether the router has the route that the kernel of a load balancer had for the NIC that fails: over the first NIC. */
export function hasKernelRoute(kind: Kind): boolean {
  return run(`ip -n tor route show ${kernelPrefix(kind, LOST)}`).includes(`dev p${BALANCERS[kind].number}-0`);
}

/** Whether the kernel of a load balancer has it. */
export function kernelHas(kind: Kind): boolean {
  return run(`ip -n ${BALANCERS[kind].name} route show ${kernelPrefix(kind, LOST)}`) !== '';
}

/** The agent's configuration; @returns its file */
export function configFor(kind: Kind, dir: string): string {
  const nics = [0, LOST].map((i) => ({
    name: nicName(i),
    anchors: [there(kind, i)],
    onFail: ['bgp', { bgp: { by: 'kernelRoute', prefixes: [kernelPrefix(kind, i)] } }],
  }));
  const uplinks = [0, LOST].map((i) => ({ nic: nicName(i), peer: there(kind, i) }));
  const off = Object.fromEntries(['dpdk', 'dpvs', 'ipvs', 'keepalived', 'logqueue', 'nic'].map((name) => [name, false]));
  const sockets = { frr: kind === 'frr' ? frrFolder('lf') : false, bird: kind === 'bird' ? BIRD_SOCKET : false };
  return writeConfig(
    dir,
    {
      stateDir: `${dir}/state-${kind}`,
      server: BALANCERS[kind].name,
      listen: '127.0.0.1:0',
      nics,
      bgp: { uplinks },
      checks: { quick: { type: 'tcp', interval: '200ms' } },
      services: [
        { name: 'web', vip: '203.0.113.0:80/tcp', check: 'quick', realServers: SERVERS.map((server) => `${server}:${PORT}`) },
      ],
      collectors: { ...off, bgp: { ...sockets, interval: '1s' } },
      // One fault after the other is none of its subjects.
      rules: { ...QUICK, flap_window_ms: 1000, flap_limit: 100 },
    },
    `${kind}.yaml`,
  );
}

export const startAgent = (kind: Kind, file: string) =>
  AgentProcess.start(file, { wrap: ['ip', 'netns', 'exec', BALANCERS[kind].name] });

/** The router forwards nothing that comes from the NIC to the real servers; sessions, BFD and pings go on. */
export function loseServers(kind: Kind): void {
  const rule = `iifname "p${BALANCERS[kind].number}-${LOST}" tcp dport ${PORT} drop`;
  run('ip netns exec tor nft -f -', `table inet lost_${kind} { chain in { type filter hook input priority 0;\n${rule}\n}\n}\n`);
}

export function healServers(kind: Kind): void {
  run(`ip netns exec tor nft delete table inet lost_${kind}`);
}

/** The link is cut at the router's end, or put back. */
export function setLink(kind: Kind, state: 'down' | 'up'): void {
  run(`ip -n tor link set p${BALANCERS[kind].number}-${LOST} ${state}`);
}

/** Whether the router has a route over the NIC that fails: that of its group of cores. */
export function hasRoute(kind: Kind): boolean {
  return run(`ip -n tor route show ${groupPrefix(kind, LOST)}`).includes(`dev p${BALANCERS[kind].number}-${LOST}`);
}

/** An operator shuts the session of the NIC that fails, or opens it. */
export function byOperator(kind: Kind, what: 'shut' | 'open'): void {
  if (kind === 'frr') {
    const line = `neighbor ${there(kind, LOST)} shutdown`;
    configure('lf', 'router bgp 65101', what === 'shut' ? `${line} message maintenance 4711` : `no ${line}`);
    return;
  }
  // What is disabled already keeps its text.
  birdc(['enable', 'up_e1']);
  if (what === 'shut') birdc(['disable', 'up_e1', '"maintenance 4711"']);
}

function birdc(words: readonly string[]): void {
  run(`birdc -s ${BIRD_SOCKET} ${words.join(' ')}`);
}

/** Ends the daemon and starts it again: every session is open then. */
export async function startAgain(kind: Kind): Promise<void> {
  const pid = pidOf(kind);
  process.kill(pid, 'SIGKILL');
  // BIRD does not start while another one answers at its socket, and its thread for BFD may end after the first one.
  await until(`${kind} ended`, 5000, () => !existsSync(`/proc/${pid}`));
  if (kind === 'frr') runFrr('lf', ['bgpd']);
  else runBird();
}
