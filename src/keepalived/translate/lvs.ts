/** What keepalived makes of a virtual server and its real servers in kernel LVS (ipvs_set_srule, ipvs_set_drule; 2.2.7). */
import { isIPv4 } from 'node:net';
import { formatAddress } from '../../model/address.ts';
import { CHECKSUMS, LVS_FLAGS, type LvsServer, type LvsService, type SorryServer, TUNNELS } from '../../model/plan.ts';
import type { Key, Method, RealServer, VirtualServer } from '../config/lvs.ts';
import { has, numberIn, wordIn } from '../config/values.ts';
import { type Block, type Statement, statementOf } from '../read/tree.ts';

/** Of a virtual server, whatever its real servers are. */
export type TranslatedLvs = Omit<LvsService, 'servers' | 'existing'>;

/** IPVS_SVC_PERSISTENT_TIMEOUT: of a keyword without a number, and of a granularity alone. */
const PERSISTENCE_S = 360;
const DEFAULT_SCHEDULER = 'wlc';
/** Flags that only one scheduler has. */
const OF_SCHEDULER: Readonly<Record<string, Readonly<Record<string, (typeof LVS_FLAGS)[number]>>>> = {
  sh: { 'sh-fallback': 'flag-1', 'sh-port': 'flag-2' },
  mh: { 'mh-fallback': 'flag-1', 'mh-port': 'flag-2' },
};

export function lvsServiceOf(virtual: VirtualServer, key: Key): TranslatedLvs {
  const { block } = virtual;
  const scheduler = virtual.scheduler ?? DEFAULT_SCHEDULER;
  const own = Object.entries(OF_SCHEDULER[scheduler] ?? {}).flatMap(([word, flag]) => (has(block, word) ? [flag] : []));
  const family = familyOf(virtual, key);
  const netmask = wordIn(block, 'persistence_granularity')?.text;
  const isMask = netmask !== undefined && (family === 6 ? /^\d{1,3}$/.test(netmask) : isIPv4(netmask));
  const engine = wordIn(block, 'persistence_engine')?.text;
  const sorry = sorryOf(virtual, key, family);
  return {
    family,
    scheduler,
    flags: LVS_FLAGS.filter((flag) => has(block, flag) || own.includes(flag)),
    persistence: virtual.isPersistent ? (numberIn(block, 'persistence_timeout') ?? PERSISTENCE_S) : 0,
    ...(isMask ? { netmask } : {}),
    ...(engine === undefined ? {} : { engine }),
    ...(sorry === undefined ? {} : { sorry }),
  };
}

/**
 * The sorry server (alloc_ssvr; its port: validate_check_config); undefined when there is none, or one that keepalived skips: of
 * no valid address, or of another family without being a TUN.
 */
function sorryOf({ block, sorry, method: outer = 'NAT' }: VirtualServer, key: Key, family: 4 | 6): SorryServer | undefined {
  if (sorry?.ip === undefined) return undefined;
  // keepalived heeds these only behind it.
  const behind = (name: string) => {
    const found = statementOf(block, name);
    return found !== undefined && block.statements.indexOf(found) > block.statements.indexOf(sorry.statement) ? found : undefined;
  };
  const written = behind('sorry_server_lvs_method');
  const own = wordIn(block, 'sorry_server_lvs_method')?.text as Method | undefined;
  const method = written === undefined || own === undefined ? outer : own;
  const isOther = sorry.ip.includes(':') !== (family === 6);
  if (isOther && method !== 'TUN') return undefined;
  const port = method === 'NAT' ? sorry.port : key.kind === 'address' ? key.port : 0;
  const tunnel = method === 'TUN' ? tunnelOf(written ?? methodStatement(block)) : undefined;
  return {
    name: formatAddress({ family: sorry.ip.includes(':') ? 6 : 4, ip: sorry.ip, port }),
    server: { method, ...(tunnel === undefined ? {} : { tunnel }) },
    inhibit: behind('sorry_server_inhibit') !== undefined,
  };
}

/** A firewall mark is of the family that is written, else of that of the real servers. */
function familyOf({ block, realServers }: VirtualServer, key: Key): 4 | 6 {
  if (key.kind === 'address') return key.ip.includes(':') ? 6 : 4;
  const written = (key.kind === 'fwmark' ? key.family : undefined) ?? wordIn(block, 'ip_family')?.text;
  if (written !== undefined) return written === 'inet6' ? 6 : 4;
  return realServers.find(({ ip }) => ip !== undefined)?.ip?.includes(':') === true ? 6 : 4;
}

/** How a real server is reached. Of a firewall mark its packets keep the port they came with, unless they are translated. */
export function lvsServerOf(virtual: VirtualServer, real: RealServer, key: Key): LvsServer {
  const { method } = real;
  const tunnel = method === 'TUN' ? tunnelOf(methodStatement(real.block) ?? methodStatement(virtual.block)) : undefined;
  const [upper, lower] = [numberIn(real.block, 'uthreshold') ?? 0, numberIn(real.block, 'lthreshold') ?? 0];
  return {
    method,
    ...(key.kind === 'fwmark' && method !== 'NAT' ? { port: 0 } : {}),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(upper === 0 ? {} : { upper }),
    ...(lower === 0 ? {} : { lower }),
  };
}

const methodStatement = (block: Block) => statementOf(block, 'lb_kind') ?? statementOf(block, 'lvs_method');

/** `TUN type gue port 6080 csum`; undefined for a plain tunnel, and for options that keepalived refuses. */
function tunnelOf(statement: Statement | undefined): LvsServer['tunnel'] {
  const words = statement?.args.slice(1).map(({ text }) => text) ?? [];
  const after = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const type = TUNNELS.find((each) => each === after('type'));
  const port = Number(after('port') ?? 0);
  if (type === undefined || type === 'ipip' || !(port >= 0 && port <= 65_535) || (type === 'gue') !== (port !== 0))
    return undefined;
  const checksum = CHECKSUMS.findLast((each) => words.includes(each));
  return { type, ...(port === 0 ? {} : { port }), ...(checksum === undefined ? {} : { checksum }) };
}
