/** What a service of fourlane.yaml is to have in kernel LVS. Pure. */
import type { LvsSettings } from '../act/ipvs/schema.ts';
import type { LvsServer, LvsService } from '../model/plan.ts';
import { parseAddress } from '../model/schema.ts';
import type { ServiceConfig } from './schema.ts';

/** Undefined: its entries are made by somebody else. */
export function lvsOf({ vip, actuator, realServers }: ServiceConfig): LvsService | undefined {
  const make = actuator.type === 'ipvs' ? (actuator['make'] as LvsSettings | undefined) : undefined;
  if (make === undefined) return undefined;
  const { scheduler, method, tunnel, persistence = 0, netmask, flags, upper, lower, existing } = make;
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
