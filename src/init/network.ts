/** Interfaces, rules and routes of the kernel, and which way a packet takes by them. Pure. */
import { isIPv4 } from 'node:net';

export interface LinkAddress {
  readonly family: 4 | 6;
  readonly ip: string;
  readonly prefix: number;
}

export interface Link {
  readonly name: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** False also while it is not known, such as of a tunnel. */
  readonly isWithoutCarrier: boolean;
  readonly mac: string;
  /** `bond`, `vlan`, `veth` …; undefined: a device of the machine. */
  readonly kind: string | undefined;
  /** The interface it is a VLAN of or otherwise stands on, in this namespace. */
  readonly below: string | undefined;
  /** The bond, bridge or VRF that it belongs to. */
  readonly master: string | undefined;
  /** Global ones. */
  readonly addresses: readonly LinkAddress[];
  /** Mode of a bond, number of a VLAN. */
  readonly detail: string | undefined;
}

export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** `all`, an address or a network. */
  readonly from: string;
  readonly to: string;
  readonly oif: string | undefined;
  readonly table: string;
  /** Routes with a prefix as short as this are passed over. */
  readonly suppress: number | undefined;
  /** Something else that a packet must have, such as a mark: a probe has none of it. */
  readonly isSpecial: boolean;
}

export interface Route {
  readonly family: 4 | 6;
  readonly table: string;
  /** `default`, an address or a network. */
  readonly to: string;
  readonly metric: number;
  /** No way: unreachable, prohibit, blackhole. */
  readonly isRefusal: boolean;
  /** Looks on in the next rule. */
  readonly isThrow: boolean;
  /** Ways, several of a multipath route. */
  readonly hops: readonly { readonly device: string; readonly gateway: string | undefined }[];
}

export interface Network {
  readonly links: readonly Link[];
  readonly rules: readonly Rule[];
  readonly routes: readonly Route[];
}

/** A way that the kernel knows. */
export interface Way {
  readonly route: Route;
  readonly prefix: number;
  /** By a rule of its own, not by one that all packets go by. */
  readonly isPolicy: boolean;
}

/** A packet: bound to an interface, sent from an address, or neither. */
export interface Packet {
  readonly device?: string;
  readonly from?: string;
}

interface Net {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** The bits of an address. */
export function bitsOf(ip: string): bigint {
  if (isIPv4(ip)) return ip.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = '', tail] = ip.replace(/[\d.]+$/, dotted).split('::');
  const [front, back] = [wordsOf(head), wordsOf(tail ?? '')];
  const words = tail === undefined ? front : [...front, ...Array<bigint>(8 - front.length - back.length).fill(0n), ...back];
  return words.reduce((sum, word) => (sum << 16n) | word, 0n);
}

const wordsOf = (text: string) => (text === '' ? [] : text.split(':').map((word) => BigInt(`0x${word}`)));

/** The end of `::ffff:192.0.2.1` as two words. */
function dotted(end: string): string {
  if (!end.includes('.')) return end;
  const bits = Number(bitsOf(end));
  return `${Math.floor(bits / 65_536).toString(16)}:${(bits % 65_536).toString(16)}`;
}

/** `default`, `all`, `10.0.0.0/8`, `fd00::1` as a network. */
function netOf(text: string, family: 4 | 6): Net {
  if (text === 'default' || text === 'all') return { family, bits: 0n, prefix: 0 };
  const [ip = '', length] = text.split('/');
  return { family, bits: bitsOf(ip), prefix: length === undefined ? WIDTH[family] : Number(length) };
}

function contains({ family, bits, prefix }: Net, address: bigint): boolean {
  const shift = BigInt(WIDTH[family] - prefix);
  return bits >> shift === address >> shift;
}

/** The key of the network of that length that an address is in. */
function keyOf(bits: bigint, family: 4 | 6, prefix: number): string {
  return `${family} ${prefix} ${bits >> BigInt(WIDTH[family] - prefix)}`;
}

/** Rules and routes made ready for many questions. */
export class Ways {
  readonly #rules: readonly (Rule & { readonly fromNet: Net; readonly toNet: Net })[];
  /** By table and network, the lowest metric first. */
  readonly #tables: ReadonlyMap<string, ReadonlyMap<string, readonly Route[]>>;
  /** The lengths of prefixes that a table has, longest first. */
  readonly #lengths: ReadonlyMap<string, readonly number[]>;

  constructor({ rules, routes }: Network) {
    this.#rules = rules
      .map((rule) => ({ ...rule, fromNet: netOf(rule.from, rule.family), toNet: netOf(rule.to, rule.family) }))
      .sort((a, b) => a.priority - b.priority);
    const tables = new Map<string, Map<string, Route[]>>();
    const lengths = new Map<string, Set<number>>();
    for (const route of routes.toSorted((a, b) => a.metric - b.metric)) {
      const { bits, prefix } = netOf(route.to, route.family);
      const name = `${route.family} ${route.table}`;
      const table = tables.get(name) ?? new Map<string, Route[]>();
      tables.set(name, table);
      const key = keyOf(bits, route.family, prefix);
      table.set(key, [...(table.get(key) ?? []), route]);
      lengths.set(name, (lengths.get(name) ?? new Set()).add(prefix));
    }
    this.#tables = tables;
    this.#lengths = new Map([...lengths].map(([name, set]) => [name, [...set].sort((a, b) => b - a)]));
  }

  /** The way to an address; undefined: none, or it is refused. As fib_rules and fib_lookup of the kernel find it. */
  to(ip: string, packet: Packet): Way | undefined {
    const family = isIPv4(ip) ? 4 : 6;
    const bits = bitsOf(ip);
    const from = packet.from === undefined ? undefined : bitsOf(packet.from);
    for (const rule of this.#rules) {
      if (rule.family !== family || rule.isSpecial || !contains(rule.toNet, bits)) continue;
      if (rule.oif !== undefined && rule.oif !== packet.device) continue;
      if (rule.fromNet.prefix > 0 && (from === undefined || !contains(rule.fromNet, from))) continue;
      const found = this.#lookUp(`${family} ${rule.table}`, { family, bits }, packet.device);
      if (found === undefined || found.route.isThrow) continue;
      if (rule.suppress !== undefined && found.prefix <= rule.suppress) continue;
      if (found.route.isRefusal) return undefined;
      return { ...found, isPolicy: rule.oif !== undefined || rule.fromNet.prefix > 0 };
    }
    return undefined;
  }

  #lookUp(name: string, { family, bits }: Pick<Net, 'family' | 'bits'>, device: string | undefined) {
    const table = this.#tables.get(name);
    for (const prefix of this.#lengths.get(name) ?? []) {
      const routes = table!.get(keyOf(bits, family, prefix)) ?? [];
      const route = routes.find(
        (each) => each.isRefusal || each.isThrow || device === undefined || each.hops.some((hop) => hop.device === device),
      );
      if (route !== undefined) return { route, prefix };
    }
    return undefined;
  }
}
