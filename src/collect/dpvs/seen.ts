/** A reading of DPVS as the rules of the edge look at it. Pure. */
import type { LocalAddress } from '../../edge/lint/rule.ts';
import type { DpvsData } from './data.ts';

/**
 * Local addresses: those of services, and those with a pool of ports. Where all entries name one core, DPVS shares them among all
 * workers, and none is told.
 */
export function localsSeen({ addresses, details }: Pick<DpvsData, 'addresses' | 'details'>): readonly LocalAddress[] {
  const services = new Map<string, number>();
  for (const { address } of details.local.flatMap((local) => local.addresses))
    services.set(address, (services.get(address) ?? 0) + 1);
  const entries = new Map(addresses.map((entry) => [entry.address, entry]));
  const mine = new Set([...services.keys(), ...addresses.filter(({ pool }) => pool !== undefined).map(({ address }) => address)]);
  const perCore = new Set([...mine].map((address) => entries.get(address)?.lcore)).size > 1;
  return [...mine].map((address) => {
    const entry = entries.get(address);
    return {
      address,
      ...(perCore && entry !== undefined ? { core: entry.lcore } : {}),
      pool: entry?.pool !== undefined,
      services: services.get(address) ?? 0,
    };
  });
}

/** Workers by the number of their lcore. */
export function workersSeen({ cores }: Pick<DpvsData, 'cores'>): readonly number[] {
  return cores.filter(({ role }) => role === 'worker').map(({ stats }) => stats.lcore);
}
