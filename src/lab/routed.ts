/** The lab with routing daemons: load balancer, top-of-rack routers and spine speak BGP with BFD, clients come by the spine. */
import type { Stream } from './client.ts';
import { count, type Layout } from './layout.ts';
import type { Network } from './netns.ts';
import { AS, balancerText, bgpOf, type Edge, snatSources } from './routers/balancer.ts';
import { KINDS, type Place, type Sockets } from './routers/daemons.ts';
import { type Program, programOf, type RouterPeer, type Routers } from './routers/speaker.ts';
import { labLayout, labNetwork, uplinks } from './topology.ts';

const CLIENT = '10.51.0.2';
const CLIENT_TABLE = 51;
const SPINE = '10.51.0.1';
/** The service whose clients come by the spine, over all NICs at once. */
const EVERYWHERE = 'all';
export const ROUTED_STREAM = 'ecmp';

const nics = uplinks.map(({ nic: name, gateway }) => ({ name, gateway }));
const snat = {
  pool: '10.64.0.0/29',
  servers: 1,
  cores: 6,
  server: 0,
  groups: Object.fromEntries(uplinks.map(({ nic }, k) => [nic, k])),
  announce: ['group', 'server'],
} as const;
const sources = snatSources(snat);
const vips = labLayout.services.map(({ host }) => host).filter((host) => !host.includes(':'));
export const edge: Edge = { id: '10.255.0.1', nics, snat, bgp: bgpOf(nics, vips) };
const everywhere = labLayout.services.find(({ name }) => name === EVERYWHERE)!;
/** The prefix whose ways are told. */
export const ROUTED_VIP = `${everywhere.host}/32`;

/** Real servers are asked from the SNAT addresses, so that their answers come back by BGP. */
export const routedLayout: Layout = {
  ...labLayout,
  nics: labLayout.nics.map((nic) => ({ ...nic, sources: { ...nic.sources, 4: sources.get(nic.name)! } })),
  routed: { stream: ROUTED_STREAM, service: EVERYWHERE },
};

export const routedStreams: readonly Stream[] = [
  ...labLayout.services.map(({ name, host, port }) => ({ name, host, port })),
  { name: ROUTED_STREAM, host: everywhere.host, port: everywhere.port, from: CLIENT },
];

const MORE: Readonly<Record<string, readonly string[]>> = {
  client: [
    `addr add ${CLIENT}/24 dev spine`,
    'link set spine up',
    `rule add from ${CLIENT} table ${CLIENT_TABLE}`,
    `route add default via ${SPINE} table ${CLIENT_TABLE}`,
  ],
  spine: [`addr add ${SPINE}/24 dev client`, 'link set client up'],
  lb: [...sources.values()].flatMap((address, k) => [
    `addr add ${address}/32 dev lo`,
    `rule add from ${address} table ${101 + k}`,
  ]),
};

export const routedNetwork: Network = {
  ...labNetwork,
  links: [...labNetwork.links, ['client', 'spine', 'spine', 'client']],
  commands: (role) => [...labNetwork.commands(role), ...(MORE[role] ?? [])],
};

/** Debian's packages for these daemons. */
export function packagesOf(routers: Routers): readonly string[] {
  return [...new Set([0, ...count(uplinks.length), uplinks.length + 1].map((k) => KINDS[programOf(routers, k)].package))];
}

/** Starts the daemons; @returns how that of the load balancer is read. */
export async function startRouters(routers: Routers, place: Omit<Place, 'role'>): Promise<Sockets> {
  const start = (k: number, role: string, text: (program: Program) => string) => {
    const program = programOf(routers, k);
    return KINDS[program].start({ ...place, role }, text(program));
  };
  const below = (i: number): RouterPeer => ({
    name: 'lb',
    address: `10.1.${i}.2`,
    as: AS.balancers,
    gets: 'default',
    calls: true,
  });
  const above = (i: number): RouterPeer => ({
    name: 'spine',
    address: `10.2.${i}.1`,
    as: AS.spine,
    gets: 'learned',
    calls: false,
  });
  const tors = uplinks.map(({ i, tor }) =>
    start(i, tor, (program) =>
      KINDS[program].router({ id: `10.255.1.${i}`, as: AS.routers, devices: ['lb', 'spine'], peers: [below(i), above(i)] }),
    ),
  );
  const peers = uplinks.map(
    ({ i, tor }): RouterPeer => ({ name: tor, address: `10.2.${i}.2`, as: AS.routers, gets: 'nothing', calls: true }),
  );
  const spine = start(uplinks.length + 1, 'spine', (program) =>
    KINDS[program].router({ id: '10.255.2.1', as: AS.spine, devices: ['tor*'], peers }),
  );
  const [sockets] = await Promise.all([start(0, 'lb', (program) => balancerText(program, edge)), ...tors, spine]);
  return sockets;
}
