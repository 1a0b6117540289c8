/** Rules about how long it takes until something is noticed, or counts. */
import { type BgpRule, uplinkSessions } from './rule.ts';

/** s. */
const LONGEST_RETRY = 10;
const LONGEST_HOLD = 30;
const DEFAULT_DELAY = 5;

export const TIMERS: readonly BgpRule[] = [
  {
    code: 'BGP01',
    name: 'slow-connect',
    level: 'warn',
    title: 'a session that was refused once is tried again only after minutes',
    fix: 'FRR: neighbor PEER timers connect 5',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, connectRetry = 0 }) =>
        connectRetry > LONGEST_RETRY
          ? [
              {
                subject: peer,
                message: `tried again after ${connectRetry} s; at most ${LONGEST_RETRY} s lets a link come back soon`,
              },
            ]
          : [],
      ),
  },
  {
    code: 'BGP03',
    name: 'long-hold-time',
    level: 'warn',
    title: 'a routing daemon that hangs attracts traffic for the whole hold time; in FRR, BFD does not shorten it',
    fix: 'FRR: neighbor PEER timers 3 9; BIRD: hold time 9',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, hold = 0 }) =>
        hold > LONGEST_HOLD ? [{ subject: peer, message: `hold time ${hold} s; at most ${LONGEST_HOLD} s` }] : [],
      ),
  },
  {
    code: 'BGP04',
    name: 'filter-delay',
    level: 'warn',
    title: 'a filter that is changed counts late, or with 0 never: what a script withdraws by it stays announced',
    fix: 'FRR: no bgp route-map delay-timer; and after a change of a filter: clear bgp ipv4 unicast PEER soft out',
    find: ({ daemons }) =>
      daemons.flatMap(({ path, filterDelay = DEFAULT_DELAY }) => {
        if (filterDelay === 0) return [{ subject: path, message: 'bgp route-map delay-timer 0: a changed filter never counts' }];
        return filterDelay > DEFAULT_DELAY
          ? [
              {
                subject: path,
                message: `bgp route-map delay-timer ${filterDelay}: a changed filter counts after ${filterDelay} s`,
              },
            ]
          : [];
      }),
  },
];
