/** The configuration of FRR, as text for vtysh. */
import type { BalancerSpeaker, Peer, RouterSpeaker } from './speaker.ts';

const neighbor = ({ address, as }: Peer, ...more: readonly string[]) =>
  [`remote-as ${as}`, 'bfd', 'timers 1 3', 'timers connect 1', ...more].map((option) => ` neighbor ${address} ${option}`);

const bfd = (peers: readonly Peer[]) => [
  'bfd',
  ' profile lab',
  '  receive-interval 200',
  '  transmit-interval 200',
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

export function frrRouter({ id, as, peers }: RouterSpeaker): string {
  return [
    'ip prefix-list default-only permit 0.0.0.0/0',
    ...bfd(peers),
    `router bgp ${as}`,
    ` bgp router-id ${id}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...peers.flatMap((peer) => neighbor(peer, 'passive')),
    ' address-family ipv4 unicast',
    '  maximum-paths 16',
    '  network 0.0.0.0/0',
    ...peers.map(({ address }) => `  neighbor ${address} prefix-list default-only out`),
    ' exit-address-family',
    'exit',
    '',
  ].join('\n');
}
