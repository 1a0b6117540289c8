/** Rules about the plan itself: sizes, alignment, overlaps, what is announced of it. */
import { formatIp, formatPrefix, masked, overlap, parsePrefix, sizeOf } from '../prefix.ts';
import { type AnyRule, rule } from './rule.ts';

export const SHAPE: readonly AnyRule[] = [
  rule({
    code: 'S01',
    name: 'not-a-power-of-two',
    level: 'warning',
    title: 'servers, groups or cores are rounded up, and some addresses belong to nobody',
    fix: 'keep the spare addresses for growth, or choose counts that are powers of two',
    needs: [],
    find: ({ plan }) =>
      (
        [
          ['servers', plan.servers],
          ['groups of a server', plan.groups],
          ['cores of a group', plan.cores],
        ] as const
      )
        .filter(([, { wanted, slots }]) => wanted < slots)
        .map(([what, { wanted, slots }]) => ({ message: `${what}: ${wanted} of ${slots} places are used` })),
  }),
  rule({
    code: 'S02',
    name: 'pool-size',
    level: 'error',
    title: 'the pool has too few addresses for the cluster (error), or more than it uses (info)',
    fix: 'give the pool the length of the cluster prefix',
    needs: [],
    find: ({ plan }) => {
      const { pool, perCluster, lengths, spare } = plan;
      const sizes = `${formatPrefix(pool)} has ${sizeOf(pool)} addresses, the plan needs ${perCluster} (/${lengths.cluster})`;
      if (spare === 0n) return [];
      return spare < 0n ? [{ message: sizes }] : [{ message: `${sizes}; ${spare} are not used`, level: 'info' }];
    },
  }),
  rule({
    code: 'S03',
    name: 'misaligned',
    level: 'error',
    title: 'a prefix has bits beyond its length: daemons cut them off without a word and announce another prefix',
    fix: 'begin the pool at a multiple of its size, and write prefixes without host bits',
    needs: [],
    find: ({ plan, vips }) => {
      const { pool, lengths } = plan;
      const aligned = masked({ ...pool, length: Math.min(pool.length, lengths.cluster) });
      const begins =
        aligned.base === pool.base ? [] : [`snat.pool: ${formatPrefix(pool)} is no prefix of the cluster's /${lengths.cluster}`];
      const bits = vips.filter((text) => !withoutHostBits(text)).map((text) => `bgp.vips: ${text} has host bits`);
      return [...begins, ...bits].map((message) => ({ message }));
    },
  }),
  rule({
    code: 'S04',
    name: 'overlap',
    level: 'error',
    title: 'addresses of the pool are used for something else',
    fix: 'move the pool, or what is in it',
    needs: [],
    find: ({ cluster, used, vips }) => {
      const others = [...used, ...vips.map((text) => ({ prefix: parsePrefix(text)!, what: `bgp.vips ${text}` }))];
      const inside = others.filter(({ prefix }) => overlap(prefix, cluster));
      return inside.map(({ what }) => ({ message: `${what} is in ${formatPrefix(cluster)}` }));
    },
  }),
  rule({
    code: 'S04',
    name: 'overlap',
    level: 'error',
    title: 'the pool is in a network that this server is connected to',
    fix: 'move the pool: the server answers ARP for it, or looks for its addresses on that link',
    needs: ['connected'],
    find: ({ cluster }, { connected }) =>
      connected
        .filter(({ prefix }) => overlap(prefix, cluster))
        .map(({ what, prefix }) => ({ message: `${what}: ${formatPrefix(prefix)} and ${formatPrefix(cluster)} overlap` })),
  }),
  rule({
    code: 'S04',
    name: 'overlap',
    level: 'error',
    title: 'two servers of the cluster have the same range',
    fix: 'give each server a number of its own in snat.server',
    needs: ['members'],
    find: ({ snat, own }, { members }) =>
      members
        .filter(({ server }) => server === snat.server)
        .map(({ name }) => ({ message: `${name} is server ${snat.server} too: both use ${formatPrefix(own.prefix)}` })),
  }),
  rule({
    code: 'S05',
    name: 'gap',
    level: 'warning',
    title: 'an address of a core is in no prefix that leads to its server',
    fix: 'announce group and server prefixes, and give each group a NIC',
    needs: [],
    find: ({ snat, own, plan }) => {
      const served = new Set(Object.values(snat.groups));
      const reached = (group: number) =>
        snat.announce.includes('server') || (snat.announce.includes('group') && served.has(group));
      return own.groups
        .filter(({ group, cores }) => cores.length > 0 && !reached(group))
        .map(({ group, cores, prefix }) => ({
          message:
            `group ${group}: ${cores[0]!.address} … ${formatIp(plan.family, prefix.base + BigInt(cores.length - 1))} ` +
            `are in no announced prefix of server ${snat.server}`,
        }));
    },
  }),
];

function withoutHostBits(text: string): boolean {
  const found = parsePrefix(text)!;
  return masked(found).base === found.base;
}
