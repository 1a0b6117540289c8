/**
 * The SNAT plan: which addresses each core of each server of a cluster uses towards real servers, and the prefixes of three
 * lengths that bring their answers back: a group (the cores of one NIC), a server, the cluster. Pure.
 *
 *     pool  ├─ server 0 ───────────────┤├─ server 1 ───────────────┤ …
 *            ├─ group 0 ─┤├─ group 1 ─┤
 *            core 0 1 2 3   4 5 6 7
 */
import type { SnatLevel, SnatSettings } from '../model/plan.ts';
import { formatIp, formatPrefix, masked, parsePrefix, type Prefix, sizeOf, width } from './prefix.ts';

/** Source ports of one address towards one real server's port: 1025 … 65535. */
export const PORTS_PER_ADDRESS = 64_511;

/** A count as it was asked for, and rounded up to a power of two. */
export interface Rounded {
  readonly wanted: number;
  readonly slots: number;
}

export interface SnatPlan {
  readonly family: 4 | 6;
  /** As configured, host bits included. */
  readonly pool: Prefix;
  readonly servers: Rounded;
  /** Of one server. */
  readonly groups: Rounded;
  /** Of one group. */
  readonly cores: Rounded;
  /** Of one server: cores of all its groups. */
  readonly coresOfServer: number;
  /** Prefix length of each level. */
  readonly lengths: Readonly<Record<SnatLevel, number>>;
  /** Addresses of a server, and of the cluster. */
  readonly perServer: bigint;
  readonly perCluster: bigint;
  /** What the pool has beyond the cluster; negative: what it lacks. */
  readonly spare: bigint;
}

/** What one server has of the plan. */
export interface ServerPlan {
  readonly server: number;
  readonly prefix: Prefix;
  readonly groups: readonly GroupPlan[];
}

export interface GroupPlan {
  readonly group: number;
  readonly prefix: Prefix;
  readonly cores: readonly { readonly core: number; readonly address: string }[];
}

function roundUp(wanted: number): Rounded {
  let slots = 1;
  while (slots < wanted) slots *= 2;
  return { wanted, slots };
}

/** What the plan is made of: counts, and the pool as text. */
export type SnatShape = Pick<SnatSettings, 'pool' | 'servers' | 'cores'> & { readonly groups: number };

/** The shape of configured settings. */
export function shapeOf({ pool, servers, cores, groups }: SnatSettings): SnatShape {
  return { pool, servers, cores, groups: Math.max(1, ...Object.values(groups).map((group) => group + 1)) };
}

/**
 * Divides a pool. Counts that are no powers of two are rounded up: the cores of a group, the groups of a server, the servers.
 * A pool that is too small or not aligned makes a plan all the same, which the rules S02 and S03 complain of.
 * @throws RangeError when the pool is no prefix
 */
export function snatPlan({ pool: text, servers, cores, groups }: SnatShape): SnatPlan {
  const pool = parsePrefix(text);
  if (pool === undefined) throw new RangeError(`${text} is not a prefix such as 10.0.0.0/24`);
  const group = roundUp(groups);
  const core = roundUp(Math.ceil(cores / groups));
  const server = roundUp(servers);
  const bits = width(pool.family);
  const perGroup = Math.log2(core.slots);
  const perServer = perGroup + Math.log2(group.slots);
  const perCluster = perServer + Math.log2(server.slots);
  return {
    family: pool.family,
    pool,
    servers: server,
    groups: group,
    cores: core,
    coresOfServer: cores,
    lengths: { group: bits - perGroup, server: bits - perServer, cluster: bits - perCluster },
    perServer: 1n << BigInt(perServer),
    perCluster: 1n << BigInt(perCluster),
    spare: sizeOf(pool) - (1n << BigInt(perCluster)),
  };
}

/** The prefix of the whole cluster: the first part of the pool. */
export function clusterPrefix({ pool, lengths, family }: SnatPlan): Prefix {
  return masked({ family, base: pool.base, length: lengths.cluster });
}

/** What server `server` has: ranges of its groups that have cores, and the address of each core. */
export function serverPlan(plan: SnatPlan, server: number): ServerPlan {
  const { family, lengths, groups, cores, coresOfServer } = plan;
  const base = clusterPrefix(plan).base + BigInt(server) * plan.perServer;
  return {
    server,
    prefix: { family, base, length: lengths.server },
    groups: Array.from({ length: groups.wanted }, (_, group) => {
      const first = base + BigInt(group) * BigInt(cores.slots);
      const from = group * cores.wanted;
      const count = Math.max(0, Math.min(cores.wanted, coresOfServer - from));
      return {
        group,
        prefix: { family, base: first, length: lengths.group },
        cores: Array.from({ length: count }, (_, i) => ({ core: from + i, address: formatIp(family, first + BigInt(i)) })),
      };
    }),
  };
}

/** Connections that one server can hold to one port of one real server. */
export function serverCapacity({ coresOfServer }: SnatPlan): number {
  return coresOfServer * PORTS_PER_ADDRESS;
}

/** A prefix that belongs to a level, as text. */
export interface LevelPrefix {
  readonly level: SnatLevel | 'vip';
  readonly prefix: string;
  /** Group it belongs to; left out: every group of the server. */
  readonly group?: number;
}

/** The prefixes that a server announces, of the levels asked for. */
export function announcedBy(plan: SnatPlan, server: number, levels: readonly SnatLevel[]): readonly LevelPrefix[] {
  const { prefix, groups } = serverPlan(plan, server);
  const all: readonly LevelPrefix[] = [
    ...groups.map((g) => ({ level: 'group' as const, prefix: formatPrefix(g.prefix), group: g.group })),
    { level: 'server', prefix: formatPrefix(prefix) },
    { level: 'cluster', prefix: formatPrefix(clusterPrefix(plan)) },
  ];
  return all.filter(({ level }) => level !== 'vip' && levels.includes(level));
}
