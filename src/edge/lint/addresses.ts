/** Rules about the local addresses (laddr) of the data plane. */
import { contains, formatPrefix, parsePrefix } from '../prefix.ts';
import { type AnyRule, rule } from './rule.ts';

export const ADDRESSES: readonly AnyRule[] = [
  rule({
    code: 'S06',
    name: 'core-without-address',
    level: 'error',
    title: 'a worker of the data plane has no address of its server: it can open no connection to a real server',
    fix: 'add the missing address: fourlane plan snat --for dpvs prints the command',
    needs: ['locals', 'workers'],
    find: ({ own }, { locals, workers }) => {
      const mine = locals.filter(({ address }) => contains(own.prefix, parsePrefix(address)!));
      if (mine.length === 0) return [{ message: `no local address is in ${formatPrefix(own.prefix)}` }];
      if (mine.every(({ core }) => core === undefined)) return [];
      const having = new Set(mine.map(({ core }) => core));
      return workers
        .filter((worker) => !having.has(worker))
        .map((worker) => ({ message: `worker ${worker} has no local address in ${formatPrefix(own.prefix)}` }));
    },
  }),
  rule({
    code: 'S07',
    name: 'foreign-address',
    level: 'error',
    title: "a local address is outside this server's range: answers to it go to another server",
    fix: 'remove it, or correct snat.server',
    needs: ['locals'],
    find: ({ own, cluster }, { locals }) =>
      locals
        .filter(({ address }) => !contains(own.prefix, parsePrefix(address)!))
        .map(({ address }) => {
          const where = contains(cluster, parsePrefix(address)!) ? 'is of another server of the cluster' : 'is not in the pool';
          return { message: `${address} ${where}; this server has ${formatPrefix(own.prefix)}` };
        }),
  }),
  rule({
    code: 'S08',
    name: 'address-unused',
    level: 'warning',
    title: 'a local address can not be used: it has no pool of ports, or no service has it',
    fix: 'add it with sapool (dpip addr add … sapool), and to the services (ipvsadm --add-laddr)',
    needs: ['locals'],
    find: (_, { locals }) =>
      locals.flatMap(({ address, pool, services }) => [
        ...(pool ? [] : [{ message: `${address} has no pool of ports (sapool)` }]),
        ...(services > 0 ? [] : [{ message: `${address} is a local address of no service` }]),
      ]),
  }),
];
