/**
 * What `ipvsadm` prints: counters with `-Ln --stats --exact`, sync daemons with `-Ln --daemon`. Recordings in test/fixtures/ipvs.
 */
import { type Exact, parseExact } from '../../model/exact.ts';
import { FormatError } from '../format-error.ts';
import { hostPort } from './address.ts';
import type { Traffic } from '../service-metrics.ts';

export interface CountedService {
  /** `TCP 192.0.2.10:80`, `FWM 6`. */
  readonly key: string;
  /** Of a fwmark, whose family is not listed otherwise. */
  readonly ipv6: boolean;
  readonly traffic: Traffic;
  readonly realServers: { readonly realServer: string; readonly traffic: Traffic }[];
}

const COUNTERS = 'ipvsadm -Ln --stats --exact';

/** @throws FormatError */
export function parseCounters(text: string): CountedService[] {
  const services: CountedService[] = [];
  const lines = text.split('\n');
  if (lines[0]?.startsWith('IP Virtual Server version') !== true || lines[1]?.includes('Conns') !== true) {
    throw new FormatError(COUNTERS, 0, lines[0] ?? '', 'IP Virtual Server version … and a line of column names');
  }
  for (let i = 3; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === '') continue;
    const words = line.trim().split(/\s+/);
    const traffic = numbers(words.slice(-5));
    const head = words.slice(0, -5);
    if (traffic !== undefined && head[0] === '->') {
      const realServer = head.length === 2 ? hostPort(head[1]!) : undefined;
      const service = services.at(-1);
      if (realServer === undefined || service === undefined)
        throw new FormatError(COUNTERS, i, line, 'an address under a service');
      service.realServers.push({ realServer, traffic });
      continue;
    }
    const [protocol = '', address = '', family] = head;
    const name = protocol === 'FWM' ? /^\d{1,10}$/.exec(address)?.[0] : hostPort(address);
    const known =
      protocol === 'FWM' ? family === undefined || family === 'IPv6' : /^(TCP|UDP|SCTP)$/.test(protocol) && head.length === 2;
    if (traffic === undefined || name === undefined || !known)
      throw new FormatError(COUNTERS, i, line, 'a service and five numbers');
    services.push({ key: `${protocol} ${name}`, ipv6: family === 'IPv6', traffic, realServers: [] });
  }
  return services;
}

function numbers(words: readonly string[]): Traffic | undefined {
  if (words.length !== 5) return undefined;
  const values = words.map(parseExact);
  if (values.includes(undefined)) return undefined;
  const [connections, inPackets, outPackets, inBytes, outBytes] = values as [Exact, Exact, Exact, Exact, Exact];
  return { connections, inPackets, outPackets, inBytes, outBytes };
}

export interface SyncDaemon {
  readonly role: 'master' | 'backup';
  readonly interface: string;
  readonly syncId: number;
}

/** Lines of `ipvsadm -Ln --daemon`; others are passed over. */
export function parseDaemons(text: string): SyncDaemon[] {
  return [...text.matchAll(/^(master|backup) sync daemon \(mcast=([^,\s]+), syncid=(\d+)/gm)].map(([, role, device, id]) => ({
    role: role as SyncDaemon['role'],
    interface: device!,
    syncId: Number(id),
  }));
}
