/** A reading of kernel LVS whose files are these: for what compares two servers without an agent on each. */
import { parseDaemons } from '../../../src/collect/ipvs/listing.ts';
import { type IpvsData, mergeServices } from '../../../src/collect/ipvs/merge.ts';
import { parseTable } from '../../../src/collect/ipvs/proc.ts';
import { parseSyncSockets } from '../../../src/collect/ipvs/sync.ts';

/** `table`: /proc/net/ip_vs; `daemons`: `ipvsadm -Ln --daemon`; `udp`: /proc/net/udp. */
export interface LvsTexts {
  readonly table: string;
  readonly daemons: string;
  readonly udp: string;
}

/** No traffic was counted. */
const NONE = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };

export function readingOf({ table, daemons, udp }: LvsTexts): IpvsData {
  const listed = parseTable(table);
  const counted = listed.map(({ key, realServers }) => ({
    key,
    ipv6: false,
    traffic: NONE,
    realServers: realServers.map(({ realServer }) => ({ realServer, traffic: NONE })),
  }));
  return {
    services: mergeServices(counted, listed),
    totals: NONE,
    cpus: new Map(),
    daemons: parseDaemons(daemons),
    sync: parseSyncSockets(udp),
  };
}
