/** Which prefixes each uplink should get: from the SNAT plan and the VIPs. Pure. */
import type { AddressFamily, Plan, Uplink } from '../model/plan.ts';
import { formatPrefix, masked, parsePrefix } from './prefix.ts';
import { announcedBy, type LevelPrefix, shapeOf, snatPlan } from './snat-plan.ts';

/** A prefix and the uplinks that should get it. */
export interface Expected {
  /** As routing daemons write it, without host bits. */
  readonly prefix: string;
  readonly level: LevelPrefix['level'];
  readonly family: AddressFamily;
  readonly uplinks: readonly Uplink[];
}

export interface ExpectedSet {
  readonly uplinks: readonly Uplink[];
  readonly prefixes: readonly Expected[];
}

/** The same session: peers are unique within a VRF. */
export function sessionKey({ vrf, peer }: Pick<Uplink, 'vrf' | 'peer'>): string {
  return `${vrf} ${peer}`;
}

/**
 * Every planned prefix, each once. A group goes over the uplinks of its NIC, all else over every uplink that carries its family;
 * one that no uplink carries is there with none.
 */
export function expectedSet({ snat, bgp }: Pick<Plan, 'snat' | 'bgp'>): ExpectedSet {
  const { uplinks = [], vips = [] } = bgp ?? {};
  const planned: readonly LevelPrefix[] = [
    ...(snat === undefined ? [] : announcedBy(snatPlan(shapeOf(snat)), snat.server, snat.announce)),
    ...vips.map((vip) => ({ level: 'vip' as const, prefix: formatPrefix(masked(parsePrefix(vip)!)) })),
  ];
  const nicOf = new Map(Object.entries(snat?.groups ?? {}).map(([nic, group]) => [group, nic]));
  const seen = new Set<string>();
  const prefixes = planned.flatMap(({ prefix, level, group }): Expected[] => {
    if (seen.has(prefix)) return [];
    seen.add(prefix);
    const family = familyOf(prefix);
    const nic = group === undefined ? undefined : nicOf.get(group);
    const fits = (u: Uplink) => u.families.includes(family) && (group === undefined || u.nic === nic);
    return [{ prefix, level, family, uplinks: uplinks.filter(fits) }];
  });
  return { uplinks, prefixes };
}

/** Of a prefix or an address as text. */
export function familyOf(prefix: string): AddressFamily {
  return prefix.includes(':') ? 'ipv6' : 'ipv4';
}

/** What may be announced through a NIC: the planned prefixes of its uplinks. */
export function allowedOn({ prefixes }: ExpectedSet, nic: string): ReadonlySet<string> {
  return new Set(prefixes.filter((p) => p.uplinks.some((u) => u.nic === nic)).map((p) => p.prefix));
}
