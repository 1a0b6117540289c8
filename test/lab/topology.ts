/** Who has which address in the lab, as plain values. docs/lab.md draws it. */

export interface Uplink {
  /** Index from 1. */
  readonly i: number;
  /** Interface in the load balancer. */
  readonly nic: string;
  /** Network namespace of its top-of-rack router. */
  readonly tor: string;
  readonly source: string;
  readonly source6: string;
  readonly gateway: string;
  readonly gateway6: string;
}

export interface RealServer {
  readonly name: string;
  readonly rack: number;
  readonly ip: string;
  readonly ip6: string;
}

export interface LabService {
  readonly name: string;
  readonly vip: string;
  readonly family: 4 | 6;
  readonly nics: readonly string[];
  /** Names of its real servers. */
  readonly realServers: readonly string[];
}

export const NICS = 3;
export const RACKS = 3;
export const PER_RACK = 4;
/** Ports of every real server: HTTP (`/`, `/health`), TCP echo, UDP echo. */
export const PORTS = { http: 8080, tcp: 8081, udp: 8082 } as const;
/** Where the agent listens and where the data plane takes its webhook, inside the load balancer. */
export const AGENT_PORT = 9844;
export const WEBHOOK_PORT = 9900;

const count = (n: number) => Array.from({ length: n }, (_, k) => k + 1);

export const uplinks: readonly Uplink[] = count(NICS).map((i) => ({
  i,
  nic: `eth${i}`,
  tor: `tor${i}`,
  source: `10.1.${i}.2`,
  source6: `fd71:0:0:${i}::2`,
  gateway: `10.1.${i}.1`,
  gateway6: `fd71:0:0:${i}::1`,
}));

export const realServers: readonly RealServer[] = count(RACKS).flatMap((rack) =>
  count(PER_RACK).map((k) => ({
    name: `rs${(rack - 1) * PER_RACK + k}`,
    rack,
    ip: `10.10.${rack}.${10 + k}`,
    ip6: `fd72:0:0:${rack}::${10 + k}`,
  })),
);

const namesOf = (rack: number) => realServers.filter((r) => r.rack === rack).map((r) => r.name);

/** One service per NIC with the real servers of one rack (the third on IPv6), and one on every NIC with all of them. */
export const services: readonly LabService[] = [
  { name: 'web1', vip: '10.0.0.1', family: 4, nics: ['eth1'], realServers: namesOf(1) },
  { name: 'web2', vip: '10.0.0.2', family: 4, nics: ['eth2'], realServers: namesOf(2) },
  { name: 'web3', vip: 'fd70::3', family: 6, nics: ['eth3'], realServers: namesOf(3) },
  { name: 'all', vip: '10.0.0.9', family: 4, nics: uplinks.map((u) => u.nic), realServers: realServers.map((r) => r.name) },
];

/** `ip:port`, `[v6]:port`. */
export function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** The address a service uses for a real server, as written in the agent's config. */
export function addressOf(service: LabService, name: string): string {
  const rs = realServers.find((r) => r.name === name)!;
  return hostPort(service.family === 6 ? rs.ip6 : rs.ip, PORTS.http);
}

/** `10.0.0.1:80/tcp`. */
export function vipOf(service: LabService): string {
  return `${hostPort(service.vip, 80)}/tcp`;
}

/** Commands for `ip -batch` inside each namespace, once the links exist. */
export function addressing(role: string): string[] {
  const rack = Number(/^rack(\d)$/.exec(role)?.[1]);
  const uplink = uplinks.find((u) => u.tor === role);
  if (role === 'lb')
    return [
      'link set lo up',
      ...services.map((s) => `addr add ${s.vip}/${s.family === 6 ? 128 : 32} dev lo`),
      ...client('cl0', 1),
      ...uplinks.flatMap(uplinkCommands),
    ];
  if (role === 'client')
    return ['link set lo up', ...client('eth0', 2), 'route add 10.0.0.0/24 via 10.50.0.1', 'route add fd70::/64 via fd50::1'];
  if (role === 'spine') {
    return [
      ...uplinks.flatMap((u) => [
        `addr add 10.2.${u.i}.1/24 dev ${u.tor}`,
        `addr add fd73:0:0:${u.i}::1/64 dev ${u.tor} nodad`,
        `link set ${u.tor} up`,
        // The way back to a source address is by the NIC which owns it: no asymmetric replies.
        `route add 10.1.${u.i}.0/24 via 10.2.${u.i}.2`,
        `route add fd71:0:0:${u.i}::/64 via fd73:0:0:${u.i}::2`,
      ]),
      ...count(RACKS).flatMap((k) => [
        `addr add 10.10.${k}.1/24 dev rack${k}`,
        `addr add fd72:0:0:${k}::1/64 dev rack${k} nodad`,
        `link set rack${k} up`,
      ]),
    ];
  }
  if (uplink !== undefined) {
    return [
      `addr add ${uplink.gateway}/24 dev lb`,
      `addr add ${uplink.gateway6}/64 dev lb nodad`,
      'link set lb up',
      `addr add 10.2.${uplink.i}.2/24 dev spine`,
      `addr add fd73:0:0:${uplink.i}::2/64 dev spine nodad`,
      'link set spine up',
      `route add default via 10.2.${uplink.i}.1`,
      `route add ::/0 via fd73:0:0:${uplink.i}::1`,
    ];
  }
  return [
    'link set lo up',
    ...realServers
      .filter((r) => r.rack === rack)
      .flatMap((r) => [`addr add ${r.ip}/24 dev eth0`, `addr add ${r.ip6}/64 dev eth0 nodad`]),
    'link set eth0 up',
    `route add default via 10.10.${rack}.1`,
    `route add ::/0 via fd72:0:0:${rack}::1`,
  ];
}

function client(dev: string, host: number): string[] {
  return [`addr add 10.50.0.${host}/24 dev ${dev}`, `addr add fd50::${host}/64 dev ${dev} nodad`, `link set ${dev} up`];
}

/**
 * Addresses, main-table route and own table of one uplink. `replace` everywhere: run again after an administrative down, when the kernel
 * has flushed routes. The own table ends in an unreachable backstop, else a dead NIC's source address would leave by another NIC.
 */
export function uplinkCommands(u: Uplink): string[] {
  const table = 100 + u.i;
  const one = (all: string, source: string, length: number, gateway: string) => [
    `addr replace ${source}/${length} dev ${u.nic}${length === 64 ? ' nodad' : ''}`,
    `link set ${u.nic} up`,
    `route replace ${all} via ${gateway} dev ${u.nic} metric ${table}`,
    `route replace ${all} via ${gateway} dev ${u.nic} table ${table}`,
    `route replace unreachable ${all} metric 9999 table ${table}`,
  ];
  return [...one('0.0.0.0/0', u.source, 24, u.gateway), ...one('::/0', u.source6, 64, u.gateway6)];
}

/** Rules that send what has an uplink's source address to that uplink's table. Once only: `ip rule add` repeats itself. */
export function uplinkRules(u: Uplink, family: 4 | 6): string {
  return `rule add from ${family === 6 ? u.source6 : u.source} table ${100 + u.i}`;
}

/** Links as [namespace, interface, namespace, interface]. */
export const links: readonly (readonly [string, string, string, string])[] = [
  ['lb', 'cl0', 'client', 'eth0'],
  ...uplinks.map((u) => ['lb', u.nic, u.tor, 'lb'] as const),
  ...uplinks.map((u) => [u.tor, 'spine', 'spine', u.tor] as const),
  ...count(RACKS).map((k) => ['spine', `rack${k}`, `rack${k}`, 'eth0'] as const),
];

export const roles: readonly string[] = [
  'lb',
  'client',
  'spine',
  ...uplinks.map((u) => u.tor),
  ...count(RACKS).map((k) => `rack${k}`),
];
