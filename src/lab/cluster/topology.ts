/**
 * Who has which address in the lab of a cluster: three load balancers below one router, racks behind it, clients beside it, and a
 * network for etcd. docs/lab.md draws it.
 */
import type { BgpSettings, SnatSettings } from '../../model/plan.ts';
import { count, type Layout, type LayoutServer, type LayoutService } from '../layout.ts';
import type { Stream } from '../client.ts';
import type { Network } from '../netns.ts';
import { bgpOf, snatSources } from '../routers/balancer.ts';

export interface BalancerNic {
  readonly i: number;
  readonly name: string;
  /** Its other end, in the router. */
  readonly far: string;
  readonly address: string;
  readonly gateway: string;
  /** Source address towards real servers: of the NIC's group of cores. */
  readonly snat: string;
}

export interface Balancer {
  readonly n: number;
  readonly name: string;
  /** Its namespace. */
  readonly role: string;
  readonly ring: 'canary' | 'rest';
  readonly rack: string;
  readonly nics: readonly BalancerNic[];
  readonly snat: SnatSettings;
  readonly bgp: BgpSettings;
}

const BALANCERS = 3;
const NICS = 2;
const RACKS = 3;
const PER_RACK = 3;
const MEMBERS = 3;
export const VIPS = { web: '10.0.0.1', api: '10.0.0.2' } as const;
const HTTP = 80;
const PORTS = { http: 8080, tcp: 8081, udp: 8082 } as const;
const CLIENT = '10.50.0.2';
/** Clients with this source address are sent to one server, whatever is announced. */
const pinned = (n: number) => `10.50.0.${10 + n}`;

const SNAT = {
  pool: '10.64.0.0/28',
  servers: BALANCERS,
  cores: 4,
  groups: Object.fromEntries(count(NICS).map((i) => [`eth${i}`, i - 1])),
  announce: ['group', 'server'],
} as const;

export const balancers: readonly Balancer[] = count(BALANCERS).map((n) => {
  const snat: SnatSettings = { ...SNAT, server: n - 1 };
  const sources = snatSources(snat);
  const nics = count(NICS).map((i): BalancerNic => {
    const [nic, address, gateway] = [`eth${i}`, `10.${n}.${i}.2`, `10.${n}.${i}.1`];
    return { i, name: nic, far: `b${n}e${i}`, address, gateway, snat: sources.get(nic)! };
  });
  const bgp = bgpOf(nics, Object.values(VIPS));
  const [name, ring] = [`lb-0${n}`, n === 1 ? 'canary' : 'rest'] as const;
  return { n, name, role: `lb${n}`, ring, rack: `lb-rack-${n}`, nics, snat, bgp };
});

const servers: readonly LayoutServer[] = count(RACKS).flatMap((rack) =>
  count(PER_RACK).map((k) => ({ name: `rs${(rack - 1) * PER_RACK + k}`, rack, ips: [`10.10.${rack}.${10 + k}`] })),
);
/** Real servers of a rack. */
export const inRack = (rack: number): readonly LayoutServer[] => servers.filter((server) => server.rack === rack);

function service(name: keyof typeof VIPS, of: readonly LayoutServer[]): LayoutService {
  const realServers = of.map((rs) => ({ name: rs.name, rack: rs.rack, address: `${rs.ips[0]}:${PORTS.http}` }));
  return { name, host: VIPS[name], port: HTTP, nics: count(NICS).map((i) => `eth${i}`), realServers };
}

/** The same real servers and services everywhere: `web` with all of them, `api` with those of the first rack. */
const services = [service('web', servers), service('api', inRack(1))];

/** Address of a load balancer in the network for etcd: there its agent listens. */
const managementOf = (n: number) => `10.99.0.${100 + n}`;

/** What one of them is made of. */
export function layoutOf({ n, nics }: Balancer): Layout {
  return {
    nics: nics.map(({ name, snat, gateway }) => ({ name, sources: { 4: snat }, anchors: [gateway] })),
    servers,
    services,
    ports: PORTS,
    agentPort: 9844,
    agentHost: managementOf(n),
    webhookPort: 9900,
  };
}

/** Requests to each service wherever routing sends them, and to each service of each server. */
export const streams: readonly Stream[] = services.flatMap(({ name, host, port }) => [
  { name, host, port, from: CLIENT },
  ...balancers.map((balancer) => ({ name: `${name}@${balancer.name}`, host, port, from: pinned(balancer.n) })),
]);

export const etcdAddresses = count(MEMBERS).map((n) => `10.99.0.${n}`);
export const ETCD_PORT = 2379;
const roleOfEtcd = (n: number) => `etcd${n}`;

function commandsOfBalancer({ n, nics }: Balancer): string[] {
  return [
    ...services.map(({ host }) => `addr add ${host}/32 dev lo`),
    ...nics.flatMap(({ i, name, address, gateway, snat }) => [
      `addr add ${snat}/32 dev lo`,
      `addr add ${address}/24 dev ${name}`,
      `link set ${name} up`,
      ...balancerRoutes({ i, name, gateway }),
      // A NIC carries what has its addresses, and nothing else does.
      `rule add from ${address} table ${100 + i}`,
      `rule add from ${snat} table ${100 + i}`,
    ]),
    `addr add ${managementOf(n)}/24 dev mgmt`,
    'link set mgmt up',
  ];
}

/** Routes of a NIC's own table, which the kernel flushes when the NIC goes down. */
export function balancerRoutes({ i, name, gateway }: Pick<BalancerNic, 'i' | 'name' | 'gateway'>): string[] {
  return [
    `route replace default via ${gateway} dev ${name} table ${100 + i}`,
    `route replace unreachable default metric 9999 table ${100 + i}`,
  ];
}

function commandsOfRouter(): string[] {
  return [
    ...balancers.flatMap(({ nics }) =>
      nics.flatMap(({ far, gateway }) => [`addr add ${gateway}/24 dev ${far}`, `link set ${far} up`]),
    ),
    ...count(RACKS).flatMap((k) => [`addr add 10.10.${k}.1/24 dev rack${k}`, `link set rack${k} up`]),
    'addr add 10.50.0.1/24 dev client',
    'link set client up',
    ...balancers.flatMap(({ n, nics }) => [
      `rule add from ${pinned(n)} table ${200 + n}`,
      `route add 10.0.0.0/24 table ${200 + n} ${nics.map(({ address }) => `nexthop via ${address}`).join(' ')}`,
    ]),
  ];
}

function commandsOfClient(): string[] {
  const own = [CLIENT, ...balancers.map(({ n }) => pinned(n))];
  return [...own.map((address) => `addr add ${address}/24 dev eth0`), 'link set eth0 up', 'route add 10.0.0.0/24 via 10.50.0.1'];
}

function commandsOfManagement(): string[] {
  const ports = [...balancers.map(({ role }) => role), ...etcdAddresses.map((_, k) => roleOfEtcd(k + 1))];
  return [
    'link add br0 type bridge',
    'addr add 10.99.0.254/24 dev br0',
    'link set br0 up',
    ...ports.flatMap((port) => [`link set ${port} master br0`, `link set ${port} up`]),
  ];
}

function commands(role: string): string[] {
  const lo = 'link set lo up';
  const balancer = balancers.find((each) => each.role === role);
  if (balancer !== undefined) return [lo, ...commandsOfBalancer(balancer)];
  if (role === 'tor') return [lo, ...commandsOfRouter()];
  if (role === 'client') return [lo, ...commandsOfClient()];
  if (role === 'mgmt') return [lo, ...commandsOfManagement()];
  const [, kind, number] = /^(rack|etcd)(\d)$/.exec(role)!;
  if (kind === 'etcd') return [lo, `addr add ${etcdAddresses[Number(number) - 1]}/24 dev eth0`, 'link set eth0 up'];
  const own = inRack(Number(number)).flatMap((rs) => rs.ips);
  const addresses = own.map((ip) => `addr add ${ip}/24 dev eth0`);
  return [lo, ...addresses, 'link set eth0 up', `route add default via 10.10.${number}.1`];
}

export const clusterNetwork: Network = {
  roles: [
    ...balancers.map(({ role }) => role),
    'tor',
    'client',
    'mgmt',
    ...count(RACKS).map((k) => `rack${k}`),
    ...count(MEMBERS).map(roleOfEtcd),
  ],
  links: [
    ...balancers.flatMap(({ role, nics }) => nics.map(({ name, far }) => [role, name, 'tor', far] as const)),
    ...balancers.map(({ role }) => [role, 'mgmt', 'mgmt', role] as const),
    ...count(MEMBERS).map((n) => [roleOfEtcd(n), 'eth0', 'mgmt', roleOfEtcd(n)] as const),
    ...count(RACKS).map((k) => ['tor', `rack${k}`, `rack${k}`, 'eth0'] as const),
    ['tor', 'client', 'client', 'eth0'],
  ],
  forwards: (role) => role === 'tor',
  commands,
  rules: [],
};
