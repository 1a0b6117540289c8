/** The configuration of a load balancer's routing daemon: sessions of the lab, and filters as fourlane prints them. */
import { CONFIGURATION, wantedOf } from '../../edge/configure.ts';
import { serverPlan, shapeOf, snatPlan } from '../../edge/snat-plan.ts';
import type { BgpSettings, SnatSettings } from '../../model/plan.ts';
import { KINDS } from './daemons.ts';
import type { Program } from './speaker.ts';

/** Autonomous systems of the lab. */
export const AS = { balancers: 65_100, routers: 65_001, spine: 65_000 } as const;

/** What a load balancer announces, and to whom. */
export interface Edge {
  /** Router id. */
  readonly id: string;
  readonly nics: readonly { readonly name: string; readonly gateway: string }[];
  readonly snat: SnatSettings;
  readonly bgp: BgpSettings;
}

/** Settings of `bgp` for sessions with the gateways of these NICs. */
export function bgpOf(nics: Edge['nics'], vips: readonly string[]): BgpSettings {
  const uplinks = nics.map(({ name: nic, gateway: peer }) => ({ nic, peer, vrf: 'default', families: ['ipv4'] as const }));
  return { uplinks, vips: vips.map((vip) => `${vip}/32`) };
}

/** Source address towards real servers of each NIC's group of cores, by name of the NIC. */
export function snatSources(snat: SnatSettings): ReadonlyMap<string, string> {
  const { groups } = serverPlan(snatPlan(shapeOf(snat)), snat.server);
  return new Map(Object.entries(snat.groups).map(([nic, group]) => [nic, groups[group]!.cores[0]!.address]));
}

/** The daemon's configuration, as text. */
export function balancerText(program: Program, { id, nics, snat, bgp }: Edge): string {
  const plan = { snat, bgp, nics: nics.map(({ name }) => ({ name, device: name, group: name, anchors: [], onFail: [] })) };
  const own = serverPlan(snatPlan(shapeOf(snat)), snat.server);
  return KINDS[program].balancer({
    id,
    as: AS.balancers,
    devices: ['eth*'],
    peers: nics.map(({ name, gateway }) => ({ name: `up_${name}`, address: gateway, as: AS.routers })),
    printed: CONFIGURATION[program](wantedOf(plan, own, String(AS.balancers))),
  });
}

/** Keys of the agent's configuration for it. */
export function edgeKeys({ snat, bgp }: Pick<Edge, 'snat' | 'bgp'>): object {
  return { snat, bgp: { uplinks: bgp.uplinks.map(({ nic, peer }) => ({ nic, peer })), vips: bgp.vips } };
}
