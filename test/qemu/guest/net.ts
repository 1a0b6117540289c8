/**
 * The network of the guest tests: client, director and two real servers. The director is the guest's own network namespace.
 *
 *   cli 10.9.0.2 ─── vc 10.9.0.1 ┐
 *                                director (VIPs on lo) ─ br0 10.1.0.1 ─┬─ rs1 10.1.0.11
 *   cli 10.8.N.2 ─ direct N ─┐                                         └─ rs2 10.1.0.12
 *                            └─ rsN 10.8.N.1: the way back for direct routing and tunnels, past the director
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../src/lab/netns.ts';
import { until } from '../../system/harness.ts';
import { peer } from './peer.ts';

export const VIP = '192.0.2.10';
export const VIP6 = '2001:db8::10';
/** A second address, for services made by hand beside keepalived's. */
export const VIP_BY_HAND = '192.0.2.11';
export const CLIENT = '10.9.0.2';
export const RS = { rs1: '10.1.0.11', rs2: '10.1.0.12' } as const;
export const RS6 = { rs1: 'fd01::11', rs2: 'fd01::12' } as const;
export type RsName = keyof typeof RS;

/** Makes the network, once for all guest tests. */
export function makeNetwork(): void {
  if (existsSync('/run/netns/cli')) return;
  run(['modprobe', '-a', 'ip_vs', 'ipip']);
  ip(`netns add cli
    netns add rs1
    netns add rs2
    link add br0 type bridge forward_delay 0
    addr add 10.1.0.1/24 dev br0
    addr add fd01::1/64 dev br0 nodad
    link set br0 up
    link add vc type veth peer name eth0 netns cli
    addr add 10.9.0.1/24 dev vc
    addr add fd09::1/64 dev vc nodad
    link set vc up
    addr add ${VIP}/32 dev lo
    addr add ${VIP_BY_HAND}/32 dev lo
    addr add ${VIP6}/128 dev lo nodad`);
  for (const ns of ['', 'cli', 'rs1', 'rs2']) sysctl(ns);
  ip(
    `addr add ${CLIENT}/24 dev eth0
    addr add fd09::2/64 dev eth0 nodad
    link set eth0 up
    link set lo up
    route add 192.0.2.0/24 via 10.9.0.1
    route add 2001:db8::/64 via fd09::1`,
    'cli',
  );
  for (const n of [1, 2] as const) makeRealServer(n);
}

function makeRealServer(n: 1 | 2): void {
  const rs = `rs${n}` as const;
  ip(`link add ${rs} type veth peer name eth0 netns ${rs}
    link set ${rs} master br0 up
    link add direct${n} netns cli type veth peer name direct netns ${rs}`);
  ip(`addr add 10.8.${n}.2/30 dev direct${n}\nlink set direct${n} up`, 'cli');
  ip(
    `addr add ${RS[rs]}/24 dev eth0
    addr add ${RS6[rs]}/64 dev eth0 nodad
    addr add ${VIP}/32 dev lo
    addr add 10.8.${n}.1/30 dev direct
    link set eth0 up
    link set lo up
    link set direct up
    link set tunl0 up
    route add default via 10.1.0.1
    route add fd09::/64 via fd01::1
    route add ${CLIENT}/32 via 10.8.${n}.2
    rule add from ${RS[rs]} table 100
    route add default via 10.1.0.1 table 100`,
    rs,
  );
}

function ip(commands: string, ns = ''): void {
  run(['ip', ...(ns === '' ? [] : ['-n', ns]), '-batch', '-'], `${commands.replace(/^\s+/gm, '')}\n`);
}

/** Forwarding on, no reverse path filter: replies of direct routing come another way. */
function sysctl(ns: string): void {
  const set =
    'for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > $f; done; for f in ipv4/conf/*/rp_filter; do echo 0 > ' +
    '$f; done';
  run([...inside(ns), 'sh', '-c', `cd /proc/sys/net && ${set}`]);
}

/** Words that run a command in a network namespace; none for ''. */
function inside(ns: string): string[] {
  return ns === '' ? [] : ['ip', 'netns', 'exec', ns];
}

/** Starts the HTTP servers of both real servers, unless they run. */
export async function serveBoth(): Promise<void> {
  await Promise.all([serving('rs1', true), serving('rs2', true)]);
}

const running = new Set<RsName>();

/** Starts or ends the HTTP server of a real server; its port is closed when this resolves. */
export async function serving(rs: RsName, on: boolean): Promise<void> {
  if (running.has(rs) === on) return;
  await peer(rs).tell(on ? 'serve' : 'close');
  if (on) running.add(rs);
  else running.delete(rs);
}

/** Asks for a page so many times from the client, one connection each. @returns the names of who answered, sorted */
export function get(count: number, host: string = VIP): Promise<string[]> {
  return peer('cli').tell('get', host, count);
}

/** Runs ipvsadm; throws with what it said. */
export function ipvsadm(args: string, input = ''): string {
  return run(['ipvsadm', ...args.split(' ')], input);
}

/** Replaces the whole table. One line each, as `ipvsadm` takes them. */
export function table(...lines: readonly string[]): void {
  ipvsadm('-C');
  if (lines.length > 0) ipvsadm('-R', `${lines.join('\n')}\n`);
}

/**
 * Resolves when the counters stand still. The kernel adds up what its CPUs have counted every two seconds, so the listings are up
 * to that much behind, while the rows per CPU are not.
 */
export async function settled(): Promise<void> {
  await until('the counters stand still', 60_000, async () => {
    const before = ipvsadm('-Ln --stats --exact');
    await sleep(2200);
    return ipvsadm('-Ln --stats --exact') === before;
  });
}

/** The whole table: what can be set, and the thresholds, which `-S` leaves out; without numbers of connections. */
export function saved(): string {
  return run(['sh', '-c', 'ipvsadm -S -n; ipvsadm -Ln --thresholds']).replace(/^( {2}-> \S+ +\d+ +\d+) .*$/gm, '$1');
}

/** Weight of a destination, service and address as `ipvsadm -Ln` prints them; undefined when it is not there. */
export function weightOf(service: string, realServer: string): number | undefined {
  let found = false;
  for (const line of ipvsadm('-Ln').split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] !== '->') found = words[1] === service;
    else if (found && words[1] === realServer) return Number(words[3]);
  }
  return undefined;
}
