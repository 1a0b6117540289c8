/** Rules about what may get out. */
import { familyOf } from '../../edge/expected.ts';
import { type BgpRule, uplinkSessions } from './rule.ts';

export const POLICY: readonly BgpRule[] = [
  {
    code: 'BGP05',
    name: 'no-outbound-policy',
    level: 'fail',
    title: 'an uplink has no outbound filter: the server passes routes from one router to the other, and attracts their traffic',
    fix: 'filter what goes out: fourlane plan snat --for frr (or bird) prints the filters',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, channels }) =>
        channels
          .filter(({ outbound }) => outbound === 'everything')
          .map(({ family }) => ({ subject: peer, message: `${family}: whatever is known here is announced to it` })),
      ),
  },
  {
    code: 'BGP06',
    name: 'ipv4-over-ipv6-session',
    level: 'warn',
    title: 'a session over IPv6 carries IPv4 too, past the filters of the IPv4 session',
    fix: 'FRR: no bgp default ipv4-unicast, or no neighbor PEER activate in address-family ipv4; or bgp.uplinks[].families',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, channels, uplink }) => {
        const isMeant = uplink?.families.includes('ipv4') === true;
        const carries = channels.some(({ family, outbound }) => family === 'ipv4' && outbound !== 'nothing');
        return peer.includes(':') && familyOf(peer) === 'ipv6' && carries && !isMeant
          ? [{ subject: peer, message: 'carries IPv4, which is not planned for it' }]
          : [];
      }),
  },
];
