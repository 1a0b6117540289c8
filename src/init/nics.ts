/** Which interfaces probes are to be bound to, with the reason for each. Pure. */
import { isIPv6 } from 'node:net';
import { isPlain } from '../model/plain-text.ts';
import { type Link, type Network, type Way, Ways } from './network.ts';
import { portBehind, portGroup, type Ports } from './ports.ts';

/** A value of the file and where it is from. */
export interface Sourced {
  readonly value: string;
  readonly origin: string;
}

export interface ChosenNic {
  readonly name: string;
  /** What it is, for the comment above it. */
  readonly about: readonly string[];
  readonly group: Sourced | undefined;
  readonly dataplane: Sourced | undefined;
  /** Needed where a policy rule goes by it. */
  readonly source: Sourced | undefined;
  readonly anchors: readonly Sourced[];
}

export interface Choice {
  readonly nics: readonly ChosenNic[];
  /** Those that are not in the file, with the reason. */
  readonly others: readonly { readonly name: string; readonly why: string }[];
  /** Whether a NIC of the choice leads to an address. */
  readonly leads: (nic: string, ip: string) => boolean;
}

const MOST_NICS = 64;
const MOST_ANCHORS = 8;

/**
 * How likely an interface leads out of this machine: `real`: a device of it, what stands on one, a port of DPVS; `joined`: to
 * another namespace or host, as a container's; `inner`: a bridge for containers or virtual machines, a tunnel.
 */
const RANKS = ['real', 'joined', 'inner'] as const;
type Rank = (typeof RANKS)[number];
const JOINED = new Set(['veth', 'macvlan', 'ipvlan', 'netvsc']);
const STACKED = new Set(['bond', 'team', 'vlan']);

interface Candidate {
  readonly link: Link;
  readonly port: string | undefined;
  readonly rank: Rank;
}

/** @param targets IPs of real servers */
export function chooseNics(network: Network, ports: Ports, targets: readonly string[]): Choice {
  const ways = new Routing(network);
  const byName = new Map(network.links.map((link) => [link.name, link]));
  const others: { name: string; why: string }[] = [];
  const candidates = network.links.flatMap((link): Candidate[] => {
    const port = portBehind(link, ports);
    const rank = port === undefined ? rankOf(link, network.links, byName) : 'real';
    const why = unfit(link, network);
    if (why === undefined) return [{ link, port, rank }];
    // Nobody expects those of containers to be here.
    if (why !== '' && rank === 'real') others.push({ name: link.name, why });
    return [];
  });
  const { chosen, refused } = choose(candidates, ways, targets);
  const sorted = chosen.toSorted((a, b) => byNumber(a.link.name, b.link.name));
  const nics = sorted.slice(0, MOST_NICS);
  const many = sorted.slice(MOST_NICS).map(({ link }) => ({ name: link.name, why: `fourlane takes at most ${MOST_NICS} NICs` }));
  const roots = Map.groupBy(nics, ({ link, port }) => rootOf(link, port, byName, ports));
  return {
    nics: nics.map((nic) => describe(nic, { network, ports, ways, targets, roots, byName })),
    others: [...others, ...refused, ...many].sort((a, b) => byNumber(a.name, b.name)),
    leads: (name, ip) => ways.leads(byName.get(name)!, ip) !== undefined,
  };
}

/** eth2 before eth10. */
const byNumber = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1);

/** Why nothing can be probed through it; '' when nobody would expect it to be. */
function unfit({ name, isLoopback, isUp, addresses, master, kind }: Link, { routes, links }: Network): string | undefined {
  if (isLoopback || kind === 'dummy') return '';
  if (!isPlain(name)) return 'the file takes no such name';
  if (master !== undefined && addresses.length === 0) return `it belongs to ${master}`;
  const isBelow = links.some(({ below, kind: above }) => below === name && above === 'vlan');
  if (addresses.length === 0) return isUp ? `it has no address${isBelow ? ' of its own' : ''}` : '';
  if (!isUp) return 'it is down';
  return routes.some(({ hops }) => hops.some((hop) => hop.device === name)) ? undefined : 'no route goes by it';
}

function rankOf(link: Link, links: readonly Link[], byName: ReadonlyMap<string, Link>): Rank {
  const { kind, name } = link;
  const members = links.filter(({ master }) => master === name);
  if (kind === undefined) return 'real';
  if (kind === 'bridge') return members.some((each) => rankOf(each, links, byName) === 'real') ? 'real' : 'inner';
  if (!STACKED.has(kind)) return JOINED.has(kind) ? 'joined' : 'inner';
  const below = link.below === undefined ? members : [byName.get(link.below)!];
  const ranks = below.map((each) => rankOf(each, links, byName));
  return RANKS.find((rank) => ranks.includes(rank)) ?? 'real';
}

/** Ways of the kernel, with what a probe bound to a NIC makes of them; each answer is kept. */
class Routing {
  readonly #ways: Ways;
  readonly #answers = new Map<string, Way | undefined>();

  constructor(network: Network) {
    this.#ways = new Ways(network);
  }

  /** Where packets go that nothing binds. */
  usual(ip: string): Way | undefined {
    return this.#ways.to(ip, {});
  }

  /** The way by a NIC; with an own address as source when only a rule for that leads there. */
  leads(link: Link, ip: string): Way | undefined {
    const key = `${link.name} ${ip}`;
    if (!this.#answers.has(key)) {
      const plain = this.#fit(this.#ways.to(ip, { device: link.name }), ip);
      this.#answers.set(key, plain ?? this.#fromOwn(link, ip)?.way);
    }
    return this.#answers.get(key);
  }

  /** The own address by which alone a NIC leads there. */
  source(link: Link, ip: string): string | undefined {
    if (this.#fit(this.#ways.to(ip, { device: link.name }), ip) !== undefined) return undefined;
    return this.#fromOwn(link, ip)?.from;
  }

  #fromOwn(link: Link, ip: string): { from: string; way: Way } | undefined {
    for (const { ip: from } of link.addresses.filter((address) => (address.family === 6) === isIPv6(ip))) {
      const way = this.#fit(this.#ways.to(ip, { device: link.name, from }), ip);
      if (way !== undefined) return { from, way };
    }
    return undefined;
  }

  /** A way that traffic takes too, or could: not a default route where the kernel goes by a better one elsewhere. */
  #fit(way: Way | undefined, ip: string): Way | undefined {
    const usual = this.usual(ip);
    return way === undefined || way.isPolicy || usual === undefined || way.prefix >= usual.prefix ? way : undefined;
  }
}

interface Chosen {
  readonly chosen: readonly Candidate[];
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

function choose(candidates: readonly Candidate[], ways: Routing, targets: readonly string[]): Chosen {
  // With DPVS, traffic passes its ports only.
  const behind = candidates.filter(({ port }) => port !== undefined);
  if (behind.length > 0) return parted(candidates, behind, () => 'no port of DPVS is behind it: traffic does not pass it');
  const chosen: Candidate[] = [];
  let open = targets;
  for (const rank of RANKS) {
    const leading = candidates.filter((each) => each.rank === rank && open.some((ip) => ways.leads(each.link, ip)));
    chosen.push(...leading);
    open = open.filter((ip) => !leading.some(({ link }) => ways.leads(link, ip)));
  }
  if (chosen.length > 0) return parted(candidates, chosen, ({ link }) => aside(link));
  const first = RANKS.map((rank) => candidates.filter((each) => each.rank === rank)).find((list) => list.length > 0) ?? [];
  return parted(candidates, first, ({ link }) => `a ${link.kind} interface, and there are others that lead out of this machine`);
}

function aside({ kind }: Link): string {
  const what = kind === undefined ? '' : ` (${kind})`;
  return `no real server is reached by it${what}; if it is a way to them, give it a route and add it`;
}

function parted(all: readonly Candidate[], chosen: readonly Candidate[], why: (candidate: Candidate) => string): Chosen {
  const rest = all.filter((each) => !chosen.includes(each));
  return { chosen, refused: rest.map((each) => ({ name: each.link.name, why: why(each) })) };
}

/** What an interface stands on at last: NICs on one thing fail together. */
function rootOf(link: Link, port: string | undefined, byName: ReadonlyMap<string, Link>, ports: Ports): string {
  if (port !== undefined) return portGroup(port, ports);
  const below = link.kind === 'vlan' && link.below !== undefined ? byName.get(link.below) : undefined;
  return below === undefined ? link.name : rootOf(below, undefined, byName, ports);
}

interface Surroundings {
  readonly network: Network;
  readonly ports: Ports;
  readonly ways: Routing;
  readonly targets: readonly string[];
  readonly roots: ReadonlyMap<string, readonly Candidate[]>;
  readonly byName: ReadonlyMap<string, Link>;
}

function describe(nic: Candidate, around: Surroundings): ChosenNic {
  const { link, port } = nic;
  const { ways, targets, roots, byName, ports } = around;
  const root = rootOf(link, port, byName, ports);
  const source = targets.map((ip) => ways.source(link, ip)).find((from) => from !== undefined);
  return {
    name: link.name,
    about: about(nic, around),
    group: roots.get(root)!.length > 1 ? { value: root, origin: `${root} carries it: these NICs fail together` } : undefined,
    dataplane: port === undefined ? undefined : { value: port, origin: 'DPVS: the port behind it' },
    source: source === undefined ? undefined : { value: source, origin: `ip rule: only packets from ${source} go by this NIC` },
    anchors: anchors(nic, around),
  };
}

function about({ link, rank }: Candidate, { network: { links } }: Surroundings): string[] {
  const { kind, detail, below, name, addresses, isWithoutCarrier } = link;
  const members = links.filter(({ master }) => master === name).map((each) => each.name);
  const mode = kind === 'bond' && detail !== undefined ? ` (${detail})` : '';
  const what = kind === 'vlan' ? `VLAN ${detail ?? ''} on ${below ?? 'another namespace'}` : `${kind}${mode}`;
  return [
    ...addresses.map(({ ip, prefix }) => `${ip}/${prefix}`),
    ...(kind === undefined ? [] : [`${what}${members.length === 0 ? '' : ` of ${members.join(', ')}`}`]),
    ...(isWithoutCarrier ? ['without carrier now'] : []),
    ...(rank === 'real' ? [] : ['taken since no interface of the machine itself leads there']),
  ];
}

function anchors({ link, port }: Candidate, { network, ports, ways, targets }: Surroundings): Sourced[] {
  const found = new Map<string, Sourced & { readonly isDefault: boolean }>();
  const used = new Set(targets.flatMap((ip) => ways.leads(link, ip)?.route ?? []));
  for (const route of network.routes) {
    const isDefault = route.to === 'default';
    if (!isDefault && !used.has(route)) continue;
    for (const { device, gateway } of route.hops) {
      if (device !== link.name || gateway === undefined) continue;
      const value = /^fe[89ab]/i.test(gateway) ? `${gateway}%${device}` : gateway;
      const table = route.table === 'main' ? '' : ` table ${route.table}`;
      if (!found.has(value))
        found.set(value, { value, origin: `ip route: ${route.to} via ${gateway} dev ${device}${table}`, isDefault });
    }
  }
  for (const { device, gateway } of ports.gateways) {
    if (port === undefined || (device !== port && portGroup(device, ports) !== port) || found.has(gateway)) continue;
    found.set(gateway, { value: gateway, origin: `DPVS: a route via ${gateway} dev ${device}`, isDefault: false });
  }
  const sorted = [...found.values()].sort((a, b) => Number(b.isDefault) - Number(a.isDefault) || (a.value < b.value ? -1 : 1));
  return sorted.slice(0, MOST_ANCHORS);
}
