/** Services of kernel LVS, from /proc/net/ip_vs: what `ipvsadm -Sn` prints, without ipvsadm. */
import { parseTable, type TableRealServer, type TableService } from '../../collect/ipvs/proc.ts';
import { plural } from '../plural.ts';
import { compare, type FoundRealServer, type FoundService, withoutZeroPort } from '../services.ts';
import type { Look, Machine, Source } from '../source.ts';

const TABLE = '/proc/net/ip_vs';
const ORIGIN = 'IPVS';

/** @param key `TCP 192.0.2.10:80`, `FWM 6` */
function vipOf(key: string): string {
  const [protocol = '', name = ''] = key.split(' ');
  return protocol === 'FWM' ? `fwmark:${name}` : `${name}/${protocol.toLowerCase()}`;
}

function realServerOf({ realServer, weight, forward }: TableRealServer): FoundRealServer {
  const remark = weight === 0 ? { remark: 'weight 0: it gets no new connections now; write the weight it normally has' } : {};
  return { address: withoutZeroPort(realServer), weight, origin: `${ORIGIN} (${forward})`, ...remark };
}

function serviceOf({ key, scheduler, persistent, realServers }: TableService): FoundService {
  const remarks = [`scheduler ${scheduler}${persistent ? ', persistent' : ''}`];
  return {
    vip: vipOf(key),
    origin: ORIGIN,
    remarks,
    actuator: 'to act: ipvs',
    realServers: realServers.map(realServerOf).sort((a, b) => compare(a.address, b.address)),
  };
}

async function look({ host }: Machine): Promise<Look> {
  const text = await host.read(TABLE);
  if (text === undefined) return { outcome: 'absent', text: `there is no ${TABLE}: the kernel module ip_vs is not loaded` };
  const table = parseTable(text);
  const said = `${TABLE}: ${plural(table.length, 'service')}`;
  if (table.length === 0) return { outcome: 'absent', text: said };
  return { outcome: 'found', text: said, facts: { services: table.map(serviceOf) } };
}

export const ipvs: Source = { name: 'ipvs', summary: 'services and real servers of kernel LVS', look };
