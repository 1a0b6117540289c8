/** The configuration of BIRD 2, as text. */
import type { BalancerSpeaker, Peer, RouterPeer, RouterSpeaker } from './speaker.ts';

const TIMERS = 'hold time 3; keepalive time 1; connect retry time 1; connect delay time 1; error wait time 1,2;';
/** Slow enough that a machine that is busy with other work is not taken for a dead path. */
const BFD = 'min rx interval 300 ms; min tx interval 300 ms; multiplier 5;';
/** What BIRD has learned, over all equal ways at once. */
const KERNEL = 'protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; merge paths on limit 16; }';

const head = ({ id, devices }: Pick<RouterSpeaker, 'id' | 'devices'>): readonly string[] => [
  `router id ${id};`,
  'protocol device { scan time 1; }',
  KERNEL,
  `protocol bfd { interface ${devices.map((device) => `"${device}"`).join(', ')} { ${BFD} }; }`,
];

const session = ({ name, address, as }: Peer, channel: string, isPassive = false) =>
  `protocol bgp ${name} from PEER { neighbor ${address} as ${as};${isPassive ? ' passive;' : ''} ipv4 { ${channel} }; }`;

export function birdBalancer(speaker: BalancerSpeaker): string {
  const { as, peers, printed } = speaker;
  const filter = (address: string) => `fourlane_${address.replaceAll('.', '_')}_ipv4`;
  return [
    ...head(speaker),
    'protocol direct { ipv4; interface "lo"; }',
    `template bgp PEER { local as ${as}; bfd on; ${TIMERS} }`,
    printed,
    ...peers.map((peer) => session(peer, `import where net = 0.0.0.0/0; export filter ${filter(peer.address)};`)),
    '',
  ].join('\n');
}

const EXPORTS: Readonly<Record<RouterPeer['gets'], string>> = {
  default: 'export where net = 0.0.0.0/0;',
  learned: 'export where source = RTS_BGP;',
  nothing: 'export none;',
};

export function birdRouter(speaker: RouterSpeaker): string {
  const { as, peers } = speaker;
  return [
    ...head(speaker),
    'protocol static { ipv4; route 0.0.0.0/0 unreachable; }',
    `template bgp PEER { local as ${as}; bfd on; ${TIMERS} }`,
    ...peers.map((peer) => session(peer, `import all; ${EXPORTS[peer.gets]} next hop self;`, peer.calls)),
    '',
  ].join('\n');
}
