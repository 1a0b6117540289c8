/** How packets would leave through each NIC: what the probes need, and what replies must match. */
import type { Nic, Plan } from '../model/plan.ts';
import type { Host } from './host.ts';
import { addresses, type DeviceAddress, type Family, route, type Route } from './net.ts';

/** Real servers looked up for each NIC and family. */
const SAMPLES = 4;

export interface Path {
  readonly to: string;
  /** In the tables, by this NIC. */
  readonly bound: Route | undefined;
  /** Where a packet from the NIC's address goes when nothing binds it to the NIC: a device. */
  readonly unbound: string | undefined;
}

export interface NicPaths {
  readonly nic: Nic;
  readonly index: number;
  readonly family: Family;
  /** The NIC's own address; undefined: it has none of this family. */
  readonly address: DeviceAddress | undefined;
  readonly paths: readonly Path[];
  /** How many real servers there are of this family. */
  readonly of: number;
}

/** For each NIC that exists and each family that real servers have. */
export async function nicPaths(host: Host, plan: Plan): Promise<readonly NicPaths[]> {
  const known = await addresses(host);
  const families = [4, 6] as const;
  const targets = new Map(families.map((family) => [family, realServers(plan, family)]));
  const asked = plan.nics.flatMap((nic, index) =>
    families.filter((family) => targets.get(family)!.length > 0).map((family) => ({ nic, index, family })),
  );
  return Promise.all(
    asked.map(async ({ nic, index, family }): Promise<NicPaths> => {
      const all = targets.get(family)!;
      const own = known.filter((each) => each.device === nic.device && each.family === family && each.scope === 'global');
      const address = own.find((a) => a.ip === nic.source) ?? own[0];
      const paths = address === undefined ? [] : await Promise.all(some(all).map((to) => path(host, nic, address, to)));
      return { nic, index, family, address, paths, of: all.length };
    }),
  );
}

async function path(host: Host, { device, source }: Nic, { family, ip }: DeviceAddress, to: string): Promise<Path> {
  const bound = await route(host, family, to, { device, ...(source === undefined ? {} : { from: ip }) });
  return { to, bound, unbound: (await route(host, family, to, { from: ip }))?.dev };
}

function realServers({ targets }: Plan, family: Family): readonly string[] {
  return [...new Set(targets.flatMap(({ address: a }) => (a.family === family && a.scope === undefined ? [a.ip] : [])))];
}

/** First, last, and evenly between. */
function some(all: readonly string[]): readonly string[] {
  const step = Math.max(1, (all.length - 1) / (SAMPLES - 1));
  return [...new Set(Array.from({ length: Math.min(SAMPLES, all.length) }, (_, i) => all[Math.round(i * step)]!))];
}
