/** One change of kernel LVS, in words and as the request that makes it. */
import type { LvsServer, LvsService } from '../../model/plan.ts';
import type { FamilyRequest } from '../../sys/genetlink.ts';
import { IPVS } from './codec.ts';
import { serverBytes, serverName, serverText, serviceBytes, serviceName, serviceText } from './entries.ts';

export type Step =
  | { readonly do: 'addService' | 'setService'; readonly lvs: LvsService }
  | { readonly do: 'deleteService' }
  | { readonly do: 'addServer' | 'setServer'; readonly name: string; readonly server: LvsServer; readonly weight: number }
  | { readonly do: 'deleteServer'; readonly name: string };

/** For messages: `real server 10.1.0.1:80 -m -w 5`. */
export function stepText(step: Step): string {
  if ('lvs' in step) return `service ${serviceText(step.lvs)}`;
  if ('server' in step) return `real server ${step.name} ${serverText(step.server)} -w ${step.weight}`;
  return 'name' in step ? `removal of real server ${step.name}` : 'removal of the service';
}

/** @param family of a firewall mark */
export function requestFor(vip: string, family: 4 | 6, step: Step): FamilyRequest {
  const name = serviceName(vip, family);
  switch (step.do) {
    case 'addService':
      return { command: IPVS.newService, attributes: [serviceBytes(vip, step.lvs)] };
    case 'setService':
      return { command: IPVS.setService, attributes: [serviceBytes(vip, step.lvs)] };
    case 'deleteService':
      return { command: IPVS.delService, attributes: [name] };
    case 'addServer':
      return { command: IPVS.newDest, attributes: [name, serverBytes(step.name, step.server, step.weight)] };
    case 'setServer':
      return { command: IPVS.setDest, attributes: [name, serverBytes(step.name, step.server, step.weight)] };
    case 'deleteServer':
      return { command: IPVS.delDest, attributes: [name, serverName(step.name)] };
  }
}
