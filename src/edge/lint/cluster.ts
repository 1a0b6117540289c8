/** Rules about what happens when a server fails, and with packets to addresses of nobody. */
import { formatPrefix, samePrefix } from '../prefix.ts';
import { type AnyRule, rule } from './rule.ts';

export const CLUSTER: readonly AnyRule[] = [
  rule({
    code: 'S13',
    name: 'no-fail-over-server',
    level: 'error',
    title: 'no other server announces the cluster prefix: the addresses of this one are lost with it',
    fix: 'announce the cluster prefix from every server',
    needs: ['members'],
    find: ({ cluster, snat }, { members }) => {
      const text = formatPrefix(cluster);
      if (!snat.announce.includes('cluster') || members.some(({ announced }) => announced.includes(text))) return [];
      const names = members.map(({ name }) => name).join(', ') || 'none';
      return [{ message: `${text} is announced by no other server; known: ${names}` }];
    },
  }),
  rule({
    code: 'S14',
    name: 'cluster-without-sync',
    level: 'warning',
    title: 'the cluster prefix is announced without session sync: a server that takes over resets the connections',
    fix: 'turn session sync on, or leave cluster out of snat.announce',
    needs: ['sync'],
    find: ({ snat, cluster }, { sync }) =>
      snat.announce.includes('cluster') && sync !== 'complete'
        ? [{ message: `${formatPrefix(cluster)} is announced and session sync is ${sync}` }]
        : [],
  }),
  rule({
    code: 'S15',
    name: 'no-blackhole',
    level: 'warning',
    title: 'packets to spare addresses are sent back to the router, and loop',
    fix: 'add the routes: ip route add blackhole PREFIX, or let the routing daemon do it',
    needs: ['blackholes'],
    find: ({ own, cluster, snat }, { blackholes }) => {
      const wanted = [own.prefix, ...(snat.announce.includes('cluster') ? [cluster] : [])];
      return wanted
        .filter((prefix) => !blackholes.some((hole) => samePrefix(hole, prefix)))
        .map((prefix) => ({ message: `there is no blackhole route to ${formatPrefix(prefix)}` }));
    },
  }),
];
