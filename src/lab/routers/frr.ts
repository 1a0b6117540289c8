/** The configuration of FRR, as text for vtysh. */
import type { BalancerSpeaker, Peer, RouterPeer, RouterSpeaker } from './speaker.ts';

const neighbor = ({ address, as }: Peer, ...more: readonly string[]) =>
  [`remote-as ${as}`, 'bfd', 'timers 1 3', 'timers connect 1', ...more].map((option) => ` neighbor ${address} ${option}`);

const bfd = (peers: readonly Peer[]) => [
  'bfd',
  ' profile lab',
  '  detect-multiplier 5',
  '  receive-interval 300',
  '  transmit-interval 300',
  ' exit',
  ...peers.flatMap(({ address }) => [` peer ${address}`, '  profile lab', ' exit']),
  'exit',
];

export function frrBalancer({ id, as, peers, printed }: BalancerSpeaker): string {
  return [
    'ip prefix-list default-only permit 0.0.0.0/0',
    ...bfd(peers),
    `router bgp ${as}`,
    ` bgp router-id ${id}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ...peers.flatMap((peer) => neighbor(peer)),
    ' address-family ipv4 unicast',
    '  maximum-paths 16',
    ...peers.map(({ address }) => `  neighbor ${address} prefix-list default-only in`),
    ' exit-address-family',
    'exit',
    printed,
  ].join('\n');
}

const LISTS: Readonly<Record<RouterPeer['gets'], readonly string[]>> = {
  default: ['permit 0.0.0.0/0'],
  learned: ['deny 0.0.0.0/0', 'permit 0.0.0.0/0 le 32'],
  nothing: ['deny any'],
};

export function frrRouter({ id, as, peers }: RouterSpeaker): string {
  return [
    ...Object.entries(LISTS).flatMap(([name, rules]) => rules.map((rule) => `ip prefix-list gets-${name} ${rule}`)),
    ...bfd(peers),
    `router bgp ${as}`,
    ` bgp router-id ${id}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...peers.flatMap((peer) => neighbor(peer, ...(peer.calls ? ['passive'] : []))),
    ' address-family ipv4 unicast',
    '  maximum-paths 16',
    '  network 0.0.0.0/0',
    ...peers.map(({ address, gets }) => `  neighbor ${address} prefix-list gets-${gets} out`),
    ' exit-address-family',
    'exit',
    '',
  ].join('\n');
}
