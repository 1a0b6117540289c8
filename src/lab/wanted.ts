/** What must be said and done about a fault, in the words of a layout. */
import type { Layout } from './layout.ts';
import type { Change } from './switchboard.ts';

/** A verdict that must come. */
export interface WantedVerdict {
  readonly subject: 'nic' | 'path' | 'rs' | 'rack' | 'agent';
  readonly verdict: string;
  readonly nic?: string;
  readonly rs?: string;
  readonly causes?: readonly string[];
  /** ms after the fault. */
  readonly withinMs: number;
}

/** A change of the data plane that must come. */
export type WantedChange = Pick<Change, 'kind' | 'service' | 'nic' | 'rs'>;

/** Builders of expectations; times in ms after the fault. */
export function wantedOf(layout: Layout) {
  const uses = (name: string) =>
    layout.services.flatMap((service) =>
      service.realServers.filter((server) => server.name === name).map((server) => ({ service: service, rs: server.address })),
    );
  const idsOf = (name: string) => [...new Set(uses(name).map((use) => use.rs))];
  return {
    servicesOn: (nic: string) => layout.services.filter((service) => service.nics.includes(nic)).map((service) => service.name),
    servicesOf: (rs: string) => uses(rs).map((use) => use.service.name),
    sliceOff: (nic: string): WantedChange[] =>
      layout.services
        .filter((service) => service.nics.includes(nic))
        .map((service) => ({ kind: 'slice', service: service.name, nic })),
    rsOff: (name: string): WantedChange[] =>
      uses(name).map((use) => ({ kind: 'realServer', service: use.service.name, rs: use.rs })),
    pathOff: (nic: string, name: string): WantedChange[] =>
      uses(name)
        .filter((use) => use.service.nics.includes(nic))
        .map((use) => ({ kind: 'path', service: use.service.name, nic, rs: use.rs })),
    nicFail: (nic: string, cause: string, withinMs: number): WantedVerdict => ({
      subject: 'nic',
      nic,
      verdict: 'NIC_FAIL',
      causes: [cause],
      withinMs,
    }),
    rsDown: (name: string, cause: string, withinMs: number): WantedVerdict[] =>
      idsOf(name).map((rs) => ({ subject: 'rs', rs, verdict: 'RS_DOWN', causes: [cause], withinMs })),
    path: (nic: string, name: string, withinMs: number): WantedVerdict[] =>
      idsOf(name).map((rs) => ({ subject: 'path', nic, rs, verdict: 'PATH', withinMs })),
  };
}
