/** Servers that abuse TCP, UDP and ICMP. */
import { attackBy } from '../real-servers.ts';

const tcp = (name: string, more: object = {}) =>
  attackBy({ family: 'tcp', name, before: '–', servers: 'tcp', check: { type: 'tcp', expect: 'ready', ...more } });

export const transports = [
  tcp('banner without end'),
  tcp('banner drips'),
  tcp('never reads', { send: 'x'.repeat(32_768) }),
  tcp('RST'),
  tcp('half closed'),
  tcp('silent'),
  attackBy({
    family: 'udp',
    name: '500 replies to each request',
    before: '–',
    servers: 'udp',
    check: { type: 'udp', expect: 'a' },
  }),
  attackBy({
    family: 'ping',
    name: 'echo replies without end',
    before: 'no loss, no lateness',
    servers: 'ping',
    check: { type: 'ping' },
  }),
];
