/** What a service of fourlane.yaml is to have in kernel LVS. Pure. */
import type { LvsServer, LvsService } from '../model/plan.ts';
import { parseAddress } from '../model/address.ts';
import type { ServiceConfig } from './schema.ts';

/** `ipvs.make` as its schema leaves it; persistence in ms. */
type Make = Pick<LvsService, 'scheduler' | 'flags' | 'existing' | 'netmask'> &
  Pick<LvsServer, 'method' | 'tunnel' | 'upper' | 'lower'> & { readonly persistence?: number };

/** Undefined: its entries are made by somebody else. */
export function lvsOf({ vip, actuator, realServers }: ServiceConfig): LvsService | undefined {
  const make = actuator.type === 'ipvs' ? (actuator['make'] as Make | undefined) : undefined;
  if (make === undefined) return undefined;
  const { scheduler, method, tunnel, persistence = 0, netmask, flags, upper = 0, lower = 0, existing } = make;
  const address = parseAddress(vip.slice(0, vip.lastIndexOf('/')));
  const server: LvsServer = {
    method,
    // Packets of a mark come with several ports, and keep them unless they are translated.
    ...(address === undefined && method !== 'NAT' ? { port: 0 } : {}),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(upper === 0 ? {} : { upper }),
    ...(lower === 0 ? {} : { lower }),
  };
  return {
    family: (address ?? realServers[0]!.address).family,
    scheduler,
    flags,
    persistence: Math.round(persistence / 1000),
    ...(netmask === undefined ? {} : { netmask }),
    servers: realServers.map(() => server),
    existing,
  };
}
