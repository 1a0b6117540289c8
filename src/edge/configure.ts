/** What to configure for the SNAT plan of one server in FRR, BIRD and DPVS, as text. Pure. */
import type { AddressFamily, Plan, Uplink } from '../model/plan.ts';
import { type ExpectedSet, expectedSet, familyOf, sessionKey } from './expected.ts';
import type { ServerPlan } from './snat-plan.ts';

/** What the text is made of. */
export interface Wanted {
  readonly expected: ExpectedSet;
  readonly own: ServerPlan;
  /** By group: the port of the data plane that its cores use. */
  readonly ports: ReadonlyMap<number, string>;
  /** Number of this server's autonomous system, as text. */
  readonly as: string;
}

/** What a server of this configuration needs. */
export function wantedOf(plan: Pick<Plan, 'snat' | 'bgp' | 'nics'>, own: ServerPlan, as: string): Wanted {
  const ports = Object.entries(plan.snat?.groups ?? {}).map(([name, group]): [number, string] => {
    const nic = plan.nics.find((one) => one.name === name);
    return [group, nic?.dataplane ?? nic?.device ?? name];
  });
  return { expected: expectedSet(plan), own, ports: new Map(ports), as };
}

export const PROGRAMS = ['frr', 'bird', 'dpvs'] as const;
export type Program = (typeof PROGRAMS)[number];

export const CONFIGURATION: Readonly<Record<Program, (wanted: Wanted) => string>> = { frr, bird, dpvs };

/** Prefixes of an uplink in one family. */
function prefixesOf({ prefixes }: ExpectedSet, uplink: Uplink, family: AddressFamily): readonly string[] {
  const key = sessionKey(uplink);
  return prefixes.filter((p) => p.family === family && p.uplinks.some((u) => sessionKey(u) === key)).map((p) => p.prefix);
}

/** A word that names of filters may hold. */
const word = (text: string) => text.replace(/[^A-Za-z0-9]/g, '_');

const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join('');

/** Families that something is planned in. */
function familiesOf({ prefixes }: ExpectedSet): readonly AddressFamily[] {
  return (['ipv4', 'ipv6'] as const).filter((family) => prefixes.some((p) => p.family === family));
}

const IP = { ipv4: 'ip', ipv6: 'ipv6' } as const;

function frr({ expected, as }: Wanted): string {
  const { uplinks, prefixes } = expected;
  const own = prefixes.filter(({ level }) => level !== 'vip');
  const vrfs = [...new Set(uplinks.map((u) => u.vrf))];
  const filters = uplinks.flatMap((uplink) =>
    uplink.families.flatMap((family) => {
      const name = `FOURLANE-${word(uplink.peer)}-${family}`;
      const permitted = prefixesOf(expected, uplink, family).map(
        (prefix, i) => `${IP[family]} prefix-list ${name} seq ${5 * (i + 1)} permit ${prefix}`,
      );
      const none = permitted.length > 0 ? [] : [`${IP[family]} prefix-list ${name} seq 5 deny any`];
      return [...permitted, ...none];
    }),
  );
  const routers = vrfs.flatMap((vrf) => [
    `router bgp ${as}${vrf === 'default' ? '' : ` vrf ${vrf}`}`,
    ' no bgp default ipv4-unicast',
    ...(['ipv4', 'ipv6'] as const).flatMap((family) => {
      const sessions = uplinks.filter((u) => u.vrf === vrf && u.families.includes(family));
      const networks = prefixes.filter((p) => p.family === family && p.uplinks.some((u) => u.vrf === vrf));
      if (sessions.length === 0) return [];
      return [
        ` address-family ${family} unicast`,
        ...networks.map(({ prefix }) => `  network ${prefix}`),
        ...sessions.flatMap(({ peer }) => [
          `  neighbor ${peer} activate`,
          `  neighbor ${peer} prefix-list FOURLANE-${word(peer)}-${family} out`,
        ]),
        ' exit-address-family',
      ];
    }),
    'exit',
  ]);
  return lines([
    '! Packets to addresses of no core end here, and the prefixes are in the table that network asks.',
    ...own.map(({ prefix, family }) => `${IP[family]} route ${prefix} blackhole`),
    '! What each router gets, and nothing else.',
    ...filters,
    ...routers,
  ]);
}

function bird({ expected }: Wanted): string {
  const { uplinks, prefixes } = expected;
  const statics = familiesOf(expected).flatMap((family) => {
    const own = prefixes.filter((p) => p.family === family && p.level !== 'vip');
    if (own.length === 0) return [];
    const routes = own.map(({ prefix }) => `  route ${prefix} blackhole;`);
    return [`protocol static fourlane_${family} {`, `  ${family};`, ...routes, '}'];
  });
  const filters = uplinks.flatMap((uplink) =>
    uplink.families.flatMap((family) => {
      const nets = prefixesOf(expected, uplink, family);
      const accept = nets.length === 0 ? [] : [`  if net ~ [ ${nets.join(', ')} ] then accept;`];
      return [`filter ${filterName(uplink, family)} {`, ...accept, '  reject;', '}'];
    }),
  );
  const channels = uplinks.flatMap((uplink) =>
    uplink.families.map(
      (family) => `#   ${uplink.peer}: ${family} { import all; export filter ${filterName(uplink, family)}; };`,
    ),
  );
  return lines([
    '# Packets to addresses of no core end here, and these are the routes to announce.',
    ...statics,
    '# What each router gets, and nothing else.',
    ...filters,
    '# In the protocol bgp of each neighbour, these channels:',
    ...channels,
  ]);
}

const filterName = (uplink: Uplink, family: AddressFamily) => `fourlane_${word(uplink.peer)}_${family}`;

function dpvs({ own, ports }: Wanted): string {
  const cores = own.groups.flatMap(({ group, cores: all }) => all.map((core) => ({ ...core, port: ports.get(group) ?? 'PORT' })));
  const length = familyOf(cores[0]?.address ?? '') === 'ipv6' ? 128 : 32;
  return lines([
    '# Each address, with a pool of ports. Upstream DPVS shares each among all cores by port bits.',
    ...cores.map(({ core, address, port }) => `dpip addr add ${address}/${length} dev ${port} sapool # core ${core}`),
    '# For each full-NAT service VIP:PORT (-t for TCP, -u for UDP):',
    ...cores.map(({ address, port }) => `ipvsadm --add-laddr -z ${address} -t VIP:PORT -F ${port}`),
  ]);
}
