/** Table and counters of one moment as one list of services. */
import type { SyncSocket } from './sync.ts';
import type { CountedService, SyncDaemon } from './listing.ts';
import type { Traffic } from '../service-metrics.ts';
import type { Forward, TableService } from './proc.ts';

export interface IpvsRealServer {
  readonly realServer: string;
  readonly traffic: Traffic;
  /** Left out when the table, read a moment later, has it no more. */
  readonly state?: { readonly forward: Forward; readonly weight: number; readonly active: number; readonly inactive: number };
}

export interface IpvsService {
  /** Metric label: `192.0.2.10:80/tcp`, `fwmark:6`, and for an IPv6 fwmark, which may have the same number, `fwmark:6/ipv6`. */
  readonly service: string;
  /** As the config writes it: an IPv6 fwmark is `fwmark:6` too. */
  readonly vip: string;
  readonly traffic: Traffic;
  readonly scheduler: string;
  readonly persistent: boolean;
  readonly onePacket: boolean;
  readonly realServers: readonly IpvsRealServer[];
}

export interface IpvsData {
  readonly services: readonly IpvsService[];
  readonly totals: Traffic;
  /** By CPU number. */
  readonly cpus: ReadonlyMap<string, Traffic>;
  readonly daemons: readonly SyncDaemon[];
  readonly sync: readonly SyncSocket[];
}

/** The services: what is counted, with its state in the table. */
export function mergeServices(counted: readonly CountedService[], table: readonly TableService[]): IpvsService[] {
  const byKey = Map.groupBy(table, (s) => s.key);
  return counted.map((c): IpvsService => {
    const found = matching(c, byKey.get(c.key) ?? []);
    const states = new Map(found?.realServers.map((r) => [r.realServer, r]));
    const [protocol = '', name = ''] = c.key.split(' ');
    const vip = protocol === 'FWM' ? `fwmark:${name}` : `${name}/${protocol.toLowerCase()}`;
    return {
      service: c.ipv6 ? `${vip}/ipv6` : vip,
      vip,
      traffic: c.traffic,
      scheduler: found?.scheduler ?? '',
      persistent: found?.persistent ?? false,
      onePacket: found?.onePacket ?? false,
      realServers: c.realServers.map(({ realServer, traffic }) => {
        const state = states.get(realServer);
        if (state === undefined) return { realServer, traffic };
        const { forward, weight, active, inactive } = state;
        return { realServer, traffic, state: { forward, weight, active, inactive } };
      }),
    };
  });
}

/** The table does not distinguish an IPv4 fwmark from an IPv6 one of the same number; the real servers do, or nothing does. */
function matching(c: CountedService, candidates: readonly TableService[]): TableService | undefined {
  if (candidates.length < 2) return candidates[0];
  const wanted = new Set(c.realServers.map((r) => r.realServer));
  const fitting = candidates.filter(
    (t) => t.realServers.length === wanted.size && t.realServers.every((r) => wanted.has(r.realServer)),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
