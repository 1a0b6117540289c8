/** Rules about what is announced, and through which session. */
import type { AddressFamily } from '../../model/plan.ts';
import { familyOf, sessionKey } from '../expected.ts';
import { formatPrefix, overlap, parsePrefix } from '../prefix.ts';
import { type AnyRule, type Edge, rule, type SessionSeen } from './rule.ts';

/** Announced ≥ this share of the peer's limit is near. */
const NEAR = 0.8;

type Kind = 'planned' | 'group-of-another-nic' | 'wrong-mask' | 'foreign';

/** What a prefix is that a session announces. Sessions on no NIC carry what they like: they are no uplinks. */
function kindOf({ expected, own, cluster }: Edge, { nic, vrf, peer }: SessionSeen, text: string): Kind {
  const key = sessionKey({ vrf, peer });
  const planned = expected.prefixes.find(({ prefix }) => prefix === text);
  const isUplink = expected.uplinks.some((u) => sessionKey(u) === key);
  if (planned?.uplinks.some((u) => (isUplink ? sessionKey(u) === key : u.nic === nic)) === true) return 'planned';
  if (planned?.level === 'group') return 'group-of-another-nic';
  if (planned !== undefined) return 'foreign';
  const prefix = parsePrefix(text);
  const near = prefix !== undefined && prefix.length > 0 && overlap(prefix, cluster) && overlap(prefix, own.prefix);
  return near ? 'wrong-mask' : 'foreign';
}

function announcedAs(edge: Edge, sessions: readonly SessionSeen[], kind: Kind) {
  return sessions
    .filter(({ nic }) => nic !== undefined)
    .flatMap((s) => s.announced.filter((text) => kindOf(edge, s, text) === kind).map((text) => ({ session: s, text })));
}

const place = ({ peer, nic }: SessionSeen) => (nic === undefined ? peer : `${peer} (${nic})`);

export const ANNOUNCED: readonly AnyRule[] = [
  rule({
    code: 'S09',
    name: 'wrong-mask',
    level: 'error',
    title: 'a prefix of this server is announced with another length than planned: it attracts too much, or wins over the plan',
    fix: 'announce the prefixes of the plan only: fourlane plan snat prints them',
    needs: ['sessions'],
    find: (edge, { sessions }) =>
      announcedAs(edge, sessions, 'wrong-mask').map(({ session, text }) => ({
        message: `${text} is announced to ${place(session)}; lengths of the plan: ${Object.values(edge.plan.lengths)
          .map((l) => `/${l}`)
          .join(', ')}`,
      })),
  }),
  rule({
    code: 'S10',
    name: 'missing-announcement',
    level: 'error',
    title: 'a planned prefix is not announced to an uplink: what it covers is reached by a detour or not at all',
    fix: 'look at the session, the network statement or static route, and the outbound filter',
    needs: ['sessions'],
    find: ({ expected }, { sessions }) => {
      const byKey = new Map(sessions.map((s) => [sessionKey(s), s]));
      return expected.prefixes.flatMap(({ prefix, level, uplinks }) =>
        uplinks.flatMap((uplink) => {
          const session = byKey.get(sessionKey(uplink));
          if (session?.announced.includes(prefix) === true) return [];
          const why =
            session === undefined ? 'there is no such session' : session.up ? 'the session is up' : 'the session is down';
          return [{ message: `${prefix} (${level}) is not announced to ${uplink.peer} (${uplink.nic}): ${why}` }];
        }),
      );
    },
  }),
  rule({
    code: 'S11',
    name: 'foreign-announcement',
    level: 'error',
    title: 'something is announced that is not planned: a leak, or transit between routers',
    fix: 'filter what goes out to each uplink by prefix: fourlane plan snat --for frr prints the filters',
    needs: ['sessions'],
    find: (edge, { sessions }) => {
      const named = announcedAs(edge, sessions, 'foreign').map(({ session, text }) => ({
        message: `${text} is announced to ${place(session)} and not planned`,
      }));
      const unnamed = sessions
        .filter(({ nic, complete, count, announced }) => nic !== undefined && !complete && count > announced.length)
        .map((s) => ({ message: `${s.count - s.announced.length} prefixes more than planned are announced to ${place(s)}` }));
      return [...named, ...unnamed];
    },
  }),
  rule({
    code: 'S12',
    name: 'no-fail-over-nic',
    level: 'error',
    title: 'the addresses of a group are lost with its NIC: the server prefix goes over no second NIC that is up',
    fix: 'announce the server prefix over every NIC',
    needs: ['sessions'],
    find: ({ own, snat, expected }, { sessions }) => {
      const server = formatPrefix(own.prefix);
      const having = sessions.filter((s) => s.up && s.nic !== undefined && s.announced.includes(server));
      return Object.entries(snat.groups)
        .filter(([nic, group]) => own.groups[group]!.cores.length > 0 && expected.uplinks.some((u) => u.nic === nic))
        .filter(([nic]) => having.every((s) => s.nic === nic))
        .map(([nic, group]) => ({ message: `group ${group}: without ${nic}, nothing leads to ${server}` }));
    },
  }),
  rule({
    code: 'S16',
    name: 'group-on-wrong-nic',
    level: 'error',
    title: "a group's prefix is announced over another NIC than its own: its packets cross NUMA nodes, or miss their core",
    fix: 'announce each group over its own NIC only; the server prefix is what takes over',
    needs: ['sessions'],
    find: (edge, { sessions }) =>
      announcedAs(edge, sessions, 'group-of-another-nic').map(({ session, text }) => ({
        message: `${text} is announced to ${place(session)} and belongs to another NIC`,
      })),
  }),
  rule({
    code: 'S17',
    name: 'maximum-prefix-near',
    level: 'warning',
    title: 'nearly as many prefixes are announced as the router takes: one more, and it ends the session',
    fix: "raise the router's maximum-prefix, or announce fewer VIPs one by one",
    needs: ['sessions'],
    find: ({ expected }, { sessions }) => {
      const byKey = new Map(sessions.map((s) => [sessionKey(s), s.count]));
      return expected.uplinks.flatMap((uplink) => {
        const count = byKey.get(sessionKey(uplink)) ?? 0;
        const { peerMaxPrefix: most = Number.POSITIVE_INFINITY, peer } = uplink;
        return count >= NEAR * most ? [{ message: `${count} prefixes are announced to ${peer}, which takes ${most}` }] : [];
      });
    },
  }),
  rule({
    code: 'S18',
    name: 'family-mix',
    level: 'error',
    title: "a session carries a family that is not planned for it, past the filters of the NIC's other session",
    fix: 'FRR: no bgp default ipv4-unicast, or no neighbor PEER activate in that family; or name it in bgp.uplinks[].families',
    needs: ['sessions'],
    find: ({ expected }, { sessions }) => {
      const byKey = new Map(expected.uplinks.map((u) => [sessionKey(u), u.families]));
      return sessions
        .filter(({ nic }) => nic !== undefined)
        .flatMap((s) => {
          const planned = byKey.get(sessionKey(s)) ?? ownFamilies(s.peer);
          return s.families
            .filter((family) => !planned.includes(family))
            .map((family) => ({ message: `${place(s)} carries ${family}; planned: ${planned.join(', ')}` }));
        });
    },
  }),
];

/** Of a session that is no uplink of the configuration: the family of its address; unnumbered ones may carry both. */
function ownFamilies(peer: string): readonly AddressFamily[] {
  return parsePrefix(peer) === undefined ? ['ipv4', 'ipv6'] : [familyOf(peer)];
}
