/** Who has which address in the lab's namespaces, as plain values. docs/lab.md draws it. */
import { count, hostPort, type Layout, type LayoutServer, type LayoutService } from './layout.ts';
import type { Network } from './netns.ts';

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

const NICS = 3;
export const RACKS = 3;
const PER_RACK = 4;
export const uplinks: readonly Uplink[] = count(NICS).map((i) => ({
  i,
  nic: `eth${i}`,
  tor: `tor${i}`,
  source: `10.1.${i}.2`,
  source6: `fd71:0:0:${i}::2`,
  gateway: `10.1.${i}.1`,
  gateway6: `fd71:0:0:${i}::1`,
}));

interface Server extends LayoutServer {
  readonly ip: string;
  readonly ip6: string;
}

const servers: readonly Server[] = count(RACKS).flatMap((rack) =>
  count(PER_RACK).map((k) => {
    const [ip, ip6] = [`10.10.${rack}.${10 + k}`, `fd72:0:0:${rack}::${10 + k}`];
    return { name: `rs${(rack - 1) * PER_RACK + k}`, rack, ip, ip6, ips: [ip, ip6] };
  }),
);

const PORTS = { http: 8080, tcp: 8081, udp: 8082 } as const;

function service(name: string, host: string, nics: readonly string[], of: readonly Server[]): LayoutService {
  const realServers = of.map((server) => ({
    name: server.name,
    rack: server.rack,
    address: hostPort(host.includes(':') ? server.ip6 : server.ip, PORTS.http),
  }));
  return { name, host, port: 80, nics, realServers };
}

const rack = (k: number) => servers.filter((server) => server.rack === k);

export const labLayout: Layout = {
  nics: uplinks.map((uplink) => ({
    name: uplink.nic,
    sources: { 4: uplink.source, 6: uplink.source6 },
    anchors: [uplink.gateway, uplink.gateway6],
  })),
  servers,
  // One service per NIC with the real servers of one rack (the third on IPv6), and one on every NIC with all of them.
  services: [
    service('web1', '10.0.0.1', ['eth1'], rack(1)),
    service('web2', '10.0.0.2', ['eth2'], rack(2)),
    service('web3', 'fd70::3', ['eth3'], rack(3)),
    service('all', '10.0.0.9', ['eth1', 'eth2', 'eth3'], servers),
  ],
  ports: PORTS,
  agentPort: 9844,
  webhookPort: 9900,
};

function addressing(role: string): string[] {
  const rackNumber = Number(/^rack(\d)$/.exec(role)?.[1]);
  const uplink = uplinks.find((uplink) => uplink.tor === role);
  if (role === 'lb')
    return [
      'link set lo up',
      ...labLayout.services.map((service) => `addr add ${service.host}/${service.host.includes(':') ? 128 : 32} dev lo`),
      ...client('cl0', 1),
      ...uplinks.flatMap(uplinkCommands),
    ];
  if (role === 'client')
    return ['link set lo up', ...client('eth0', 2), 'route add 10.0.0.0/24 via 10.50.0.1', 'route add fd70::/64 via fd50::1'];
  if (role === 'spine') {
    return [
      ...uplinks.flatMap((uplink) => [
        `addr add 10.2.${uplink.i}.1/24 dev ${uplink.tor}`,
        `addr add fd73:0:0:${uplink.i}::1/64 dev ${uplink.tor} nodad`,
        `link set ${uplink.tor} up`,
        // The way back to a source address is by the NIC which owns it: no asymmetric replies.
        `route add 10.1.${uplink.i}.0/24 via 10.2.${uplink.i}.2`,
        `route add fd71:0:0:${uplink.i}::/64 via fd73:0:0:${uplink.i}::2`,
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
    ...rack(rackNumber).flatMap((server) => [`addr add ${server.ip}/24 dev eth0`, `addr add ${server.ip6}/64 dev eth0 nodad`]),
    'link set eth0 up',
    `route add default via 10.10.${rackNumber}.1`,
    `route add ::/0 via fd72:0:0:${rackNumber}::1`,
  ];
}

function client(dev: string, host: number): string[] {
  return [`addr add 10.50.0.${host}/24 dev ${dev}`, `addr add fd50::${host}/64 dev ${dev} nodad`, `link set ${dev} up`];
}

/**
 * FRR takes the highest byte of a kernel route's metric for its distance; with 0 it beats BGP's 20, and the default that BGP has
 * learned is never used: answers leave over a link that is cut.
 */
const BEHIND_BGP = 200 * 2 ** 24;

/**
 * Addresses, main-table route and own table of one uplink. `replace` everywhere: run again after an administrative down, when the
 * kernel has flushed routes. The own table ends in an unreachable backstop, else a dead NIC's source address would leave by
 * another NIC.
 */
export function uplinkCommands(uplink: Uplink): string[] {
  const table = 100 + uplink.i;
  const one = (all: string, source: string, length: number, gateway: string) => [
    `addr replace ${source}/${length} dev ${uplink.nic}${length === 64 ? ' nodad' : ''}`,
    `link set ${uplink.nic} up`,
    `route replace ${all} via ${gateway} dev ${uplink.nic} metric ${BEHIND_BGP + table}`,
    `route replace ${all} via ${gateway} dev ${uplink.nic} table ${table}`,
    `route replace unreachable ${all} metric 9999 table ${table}`,
  ];
  return [...one('0.0.0.0/0', uplink.source, 24, uplink.gateway), ...one('::/0', uplink.source6, 64, uplink.gateway6)];
}

/** Rules that send what has an uplink's source address to that uplink's table. Once only: `ip rule add` repeats itself. */
function uplinkRules(uplink: Uplink, family: 4 | 6): string {
  return `rule add from ${family === 6 ? uplink.source6 : uplink.source} table ${100 + uplink.i}`;
}

const links: Network['links'] = [
  ['lb', 'cl0', 'client', 'eth0'],
  ...uplinks.map((uplink) => ['lb', uplink.nic, uplink.tor, 'lb'] as const),
  ...uplinks.map((uplink) => [uplink.tor, 'spine', 'spine', uplink.tor] as const),
  ...count(RACKS).map((k) => ['spine', `rack${k}`, `rack${k}`, 'eth0'] as const),
];

const roles: readonly string[] = [
  'lb',
  'client',
  'spine',
  ...uplinks.map((uplink) => uplink.tor),
  ...count(RACKS).map((k) => `rack${k}`),
];

export const labNetwork: Network = {
  roles,
  links,
  forwards: (role) => role === 'spine' || role.startsWith('tor'),
  commands: addressing,
  rules: ([4, 6] as const).map((family) => ({
    role: 'lb',
    family,
    commands: uplinks.map((uplink) => uplinkRules(uplink, family)),
  })),
};
