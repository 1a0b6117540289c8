/** Rules about whether a path that is dead is noticed. */
import { type BgpFound, type BgpRule, uplinkSessions } from './rule.ts';

export const PATHS: readonly BgpRule[] = [
  {
    code: 'BGP02',
    name: 'no-bfd',
    level: 'warn',
    title: 'an uplink has no BFD: a path that loses every packet is used until the hold time is over',
    fix: 'FRR: neighbor PEER bfd, and bfdd in /etc/frr/daemons; BIRD: bfd on, and a protocol bfd; the same at the router',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, bfd }) => (bfd ? [] : [{ subject: peer, message: 'no BFD session with it' }])),
  },
  {
    code: 'BGP08',
    name: 'graceful-restart',
    level: 'warn',
    title: 'graceful restart is on: the router keeps sending to a server that has died for the restart time',
    fix: 'FRR: bgp graceful-restart-disable, or neighbor PEER graceful-restart-helper; BIRD: graceful restart aware',
    find: (look) =>
      uplinkSessions(look).flatMap(({ peer, gracefulRestart }) =>
        gracefulRestart ? [{ subject: peer, message: 'it is asked to keep the routes of a server that restarts' }] : [],
      ),
  },
  {
    code: 'BGP09',
    name: 'bird-bfd-accept',
    level: 'warn',
    title: 'two accept lines in a protocol bfd of BIRD 2: the second replaces the first, and sessions of one kind are never made',
    fix: 'BIRD: one line, such as accept ipv4 ipv6 direct; or none',
    find: ({ birdConfig = '' }): readonly BgpFound[] => {
      const counts = bfdBlocks(birdConfig).map((block) => [...block.matchAll(/(?:^|[;{\s])accept\s+[^;]*;/g)].length);
      return counts.filter((count) => count > 1).map((count) => ({ subject: 'bird.conf', message: `${count} accept lines` }));
    },
  },
];

/** Bodies of `protocol bfd … { … }`, comments left out. */
function bfdBlocks(config: string): readonly string[] {
  const text = config.replace(/#.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(/\bprotocol\s+bfd\b[^{;]*\{/g)].map((m) => {
    const from = m.index + m[0].length;
    let depth = 1;
    let at = from;
    for (; at < text.length && depth > 0; at++) depth += Number(text[at] === '{') - Number(text[at] === '}');
    return text.slice(from, at);
  });
}
