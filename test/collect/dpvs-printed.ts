/** Our decoding of a recorded command as its tool prints it: the tool's own formats (ipvsadm.c, dpip/*.c of v1.10.2). */
import * as addresses from '../../src/collect/dpvs/addresses.ts';
import * as inventory from '../../src/collect/dpvs/inventory.ts';
import { LAYOUTS } from '../../src/collect/dpvs/layout.ts';
import * as lcores from '../../src/collect/dpvs/lcores.ts';
import { IDS, type Message } from '../../src/collect/dpvs/messages.ts';
import * as ports from '../../src/collect/dpvs/ports.ts';
import * as services from '../../src/collect/dpvs/services.ts';
import { replyLength } from '../../src/collect/dpvs/wire.ts';
import type { Traffic } from '../../src/collect/service-metrics.ts';
import type { Exchange } from './dpvs-fake.ts';

/** Flag of a route (include/conf/flow.h). */
const ROUTE_LOCAL = 0x0800;

const LAYOUT = LAYOUTS[0]!;
const NAMES = new Map(Object.entries(IDS.modern).map(([name, id]) => [id as number, name as Message]));

interface Answered {
  readonly message: Message;
  readonly asked: Buffer;
  readonly body: Buffer;
}

/** Exchanges with their heads checked; throws what the head of a refusal says. */
function opened(exchanges: readonly Exchange[]): Answered[] {
  return exchanges.map(({ request, reply }) => {
    const id = request.readUInt32LE(4);
    const message = NAMES.get(id)!;
    const length = replyLength(message, id, reply.subarray(0, 88));
    if (length !== reply.length) throw new Error(`${message}: ${reply.length} bytes recorded, ${length} announced`);
    return { message, asked: request.subarray(24), body: reply.subarray(88) };
  });
}

/** Each service of SERVICES or SERVICE with the real servers of the DESTS that was asked for it. */
function tables(answers: readonly Answered[]): [services.Service, services.Dest[]][] {
  const list = answers.flatMap(({ message, body }) => {
    if (message === 'SERVICES') return services.decodeServices(LAYOUT, body);
    return message === 'SERVICE' ? [services.decodeService(LAYOUT, body)] : [];
  });
  return list.map((s) => {
    const wanted = services.encodeDests(LAYOUT, s, 0).subarray(0, 140);
    const found = answers.find((a) => a.message === 'DESTS' && a.asked.subarray(0, 140).equals(wanted));
    return [s, found === undefined ? [] : services.decodeDests(LAYOUT, found.body, s.dests)];
  });
}

function serviceName({ vip, match }: services.Service): string {
  if (match) return `MATCH ${vip.slice('match:'.length)}`;
  const [address, protocol] = vip.split('/');
  return `${protocol!.toUpperCase()} ${address}`;
}

const MASK_NONE = { 2: 0xffffffff, 10: 128 } as Readonly<Record<number, number>>;

function settings(s: services.Service): string {
  const { checks } = s;
  const words = [
    (s.flags & 0x100) !== 0 && 'sip',
    (s.flags & 0x200) !== 0 && 'qid',
    s.persistence > 0 && `persistent ${s.persistence}`,
    s.persistence > 0 && s.mask !== MASK_NONE[s.family] && `mask ${s.mask}`,
    (s.flags & 0x4) !== 0 && 'ops',
    s.synproxy && 'synproxy',
    s.connTimeout > 0 && `conn-timeout ${s.connTimeout}`,
    s.proxyProtocol > 0 && `pp${s.proxyProtocol}`,
    (s.flags & 0x10) !== 0 && 'expire-quiescent',
  ];
  if (checks?.passive === true || (checks?.external.length ?? 0) > 0) {
    const numbers = [checks!.downNotices, checks!.upNotices, checks!.downWait, checks!.inhibitMin, checks!.inhibitMax];
    const standard = numbers.join() === '1,1,3,5,3600';
    words.push('dest-check', checks!.passive && `internal:${standard ? 'default' : numbers.join()}`);
    words.push(checks!.external.length > 0 && `external:${checks!.external.join(',')}`);
  }
  return words.filter((w) => w !== false).join(' ');
}

const FORWARD_NAMES: Readonly<Record<string, string>> = {
  NAT: 'Masq',
  DR: 'Route',
  FullNAT: 'FullNat',
  tunnel: 'Tunnel',
  local: 'Local',
};
const FORWARD_SWITCHES: Readonly<Record<string, string>> = {
  NAT: '-m',
  DR: '-g',
  FullNAT: '-b',
  tunnel: '-i',
  local: '-g',
  SNAT: '-J',
};

const numbers = (t: Traffic) => [t.connections, t.inPackets, t.outPackets, t.inBytes, t.outBytes].join(' ');

function sum(dests: readonly services.Dest[]): Traffic {
  const total = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
  for (const { traffic } of dests)
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += Number(traffic[key]);
  return total;
}

type Row = (d: services.Dest) => string;
const STATES: Row = (d) => [d.inhibited && 'inhibited', d.overloaded && 'overload'].filter((w) => w !== false).join(',');

/**
 * Lines of the listings of ipvsadm: what follows a service's name, what follows a real server's address, and the column titles.
 */
const LISTINGS: Readonly<
  Record<string, { titles: string; service: (s: services.Service, d: services.Dest[]) => string; row: Row }>
> = {
  '': {
    titles: 'Prot LocalAddress:Port Scheduler Flags\n-> RemoteAddress:Port Forward Weight ActiveConn InActConn',
    service: (s) => `${s.scheduler} ${settings(s)}`,
    row: (d) => `${FORWARD_NAMES[d.forward] ?? d.forward} ${d.weight} ${d.active} ${d.inactive} ${STATES(d)}`,
  },
  '--stats': {
    titles: 'Prot LocalAddress:Port Conns InPkts OutPkts InBytes OutBytes\n-> RemoteAddress:Port',
    service: (_, dests) => numbers(sum(dests)),
    row: (d) => numbers(d.traffic),
  },
  // Never filled in by DPVS, and so not decoded.
  '--rate': {
    titles: 'Prot LocalAddress:Port CPS InPPS OutPPS InBPS OutBPS\n-> RemoteAddress:Port',
    service: () => '0 0 0 0 0',
    row: () => '0 0 0 0 0',
  },
  '--thresholds': {
    titles: 'Prot LocalAddress:Port Uthreshold Lthreshold ActiveConn InActConn\n-> RemoteAddress:Port',
    service: (s) => `${s.scheduler} ${settings(s)}`,
    row: (d) => `${d.upper} ${d.lower} ${d.active} ${d.inactive}`,
  },
  '--persistent-conn': {
    titles: 'Prot LocalAddress:Port Weight PersistConn ActiveConn InActConn\n-> RemoteAddress:Port',
    service: (s) => `${s.scheduler} ${settings(s)}`,
    row: (d) => `${d.weight} ${d.persistent} ${d.active} ${d.inactive}`,
  },
};

function versionOf(answers: readonly Answered[]): string {
  const { version } = services.decodeInfo(answers[0]!.body);
  return `${version >> 16}.${(version >> 8) & 255}.${version & 255}`;
}

function listing(command: string, answers: readonly Answered[]): string {
  const kind = /--(?:stats|rate|thresholds|persistent-conn)/.exec(command)?.[0] ?? '';
  const { titles, service, row } = LISTINGS[kind]!;
  const head = command.includes(' -t ') ? '' : `IP Virtual Server version ${versionOf(answers)} (size=0)\n`;
  const blocks = tables(answers).map(([s, dests]) =>
    [`${serviceName(s)} ${service(s, dests)}`, ...dests.map((d) => `-> ${d.realServer} ${row(d)}`)].join('\n'),
  );
  return `${head}${titles}\n${blocks.join('\n')}`;
}

function rules(answers: readonly Answered[]): string {
  return tables(answers)
    .map(([s, dests]) => {
      const [address, protocol] = s.vip.split('/');
      const [kind, ...parts] = s.vip.slice('match:'.length).split(',');
      const of = (key: string, other: string) => parts.find((p) => p.startsWith(`${key}=`))?.slice(key.length + 1) ?? other;
      const [any, none] = ['0.0.0.0-0.0.0.0:0-0', ''];
      const name = s.match
        ? `-H proto=${kind},src-range=${of('from', any)},dst-range=${of('to', any)},iif=${of('iif', none)},oif=${of('oif', none)}`
        : `${protocol === 'udp' ? '-u' : '-t'} ${address}`;
      const persistence = s.persistence > 0 ? ` -p ${s.persistence}` : '';
      const rows = dests.map((d) => `-a ${name} -r ${d.realServer} ${FORWARD_SWITCHES[d.forward]} -w ${d.weight}`);
      return [`-A ${name} -s ${s.scheduler}${persistence}`, ...rows].join('\n');
    })
    .join('\n');
}

function localAddresses(answers: readonly Answered[]): string {
  const blocks = tables(answers).map(([s]) => {
    const wanted = addresses.encodeLocalAddresses(LAYOUT, s);
    const found = answers.find((a) => a.message === 'LADDRS' && a.asked.equals(wanted))!;
    const list = addresses.decodeLocalAddresses(LAYOUT, found.body);
    const name = s.match ? '0.0.0.0:0' : s.vip.split('/')[0];
    return [`${name} ${list.length}`, ...list.map((l) => `${l.address} ${l.conflicts} ${l.connections}`)].join('\n');
  });
  return `VIP:VPORT TOTAL SNAT_IP CONFLICTS CONNS\n${blocks.join('\n')}`;
}

function accessList(title: string, answers: readonly Answered[]): string {
  const { message, body } = answers.at(-1)!;
  const rows = inventory.decodeAccessList(message, body).map(({ service, subject }) => {
    const [address, protocol] = service.split('/');
    return `${protocol!.toUpperCase()} ${address} ${subject}`;
  });
  return [`PROTO VIP:VPORT ${title}`, ...rows].join('\n');
}

function connections(answers: readonly Answered[]): string {
  return inventory
    .decodeConnections(answers.at(-1)!.body)
    .map((c) => `[${c.lcore}]${c.protocol} ${c.timeout}s ${c.state} ${c.client} ${c.service} ${c.local} ${c.realServer}`)
    .join('\n');
}

const family = (address: string) => (address.includes(':') ? 'inet6' : 'inet');
const life = (seconds: number) => (seconds === 0 ? 'forever' : `${seconds}sec`);

function interfaceAddresses(command: string, answers: readonly Answered[]): string {
  return addresses
    .decodeInterfaceAddresses(LAYOUT, answers[0]!.body)
    .map((a) => {
      const core = command.includes(' -v ') ? `[${String(a.lcore).padStart(2, '0')}] ` : '';
      const pool = a.pool === undefined ? '' : `sa_used ${a.pool.used} sa_free ${a.pool.free} sa_miss ${a.pool.missed}`;
      const broadcast = a.broadcast === '0.0.0.0' || a.broadcast === '::' ? '' : `broadcast ${a.broadcast} `;
      const scope = ['global', 'site', 'link', 'host'][a.scope];
      return (
        `${core}${family(a.address)} ${a.address}/${a.prefix} scope ${scope} ${a.device}\n` +
        `${broadcast}valid_lft ${life(a.valid)} preferred_lft ${life(a.preferred)} ${pool}`
      );
    })
    .join('\n');
}

const OFFLOADS: Readonly<Record<string, string>> = {
  'rx-ip-csum': 'OF_RX_IP_CSUM',
  'tx-ip-csum': 'OF_TX_IP_CSUM',
  'tx-tcp-csum': 'OF_TX_TCP_CSUM',
  'tx-udp-csum': 'OF_TX_UDP_CSUM',
  'tx-fast-free': 'OF_TX_FAST_FREE',
};

/** What dpip prints of one answer about a port; `id` is its number. */
function portPart({ message, body }: Answered, id: number): string {
  if (message === 'PORT_BASIC') {
    const p = ports.decodePortBasic(LAYOUT, body);
    const plain = p.flags.filter((f) => OFFLOADS[f] === undefined);
    const offloads = p.flags.flatMap((f) => OFFLOADS[f] ?? []);
    return [
      `${id + 1}: ${p.name}: socket ${p.socket} mtu ${p.mtu} rx-queue ${p.rxQueues} tx-queue ${p.txQueues}`,
      `${p.up ? 'UP' : 'DOWN'} ${p.megabits} Mbps ${p.duplex} ${p.autoneg} ${plain.join(' ')}`,
      `addr ${p.mac} ${offloads.join(' ')}`,
    ].join('\n');
  }
  if (message === 'PORT_STATS') {
    const s = ports.decodePortStats(LAYOUT, body);
    return [
      `ipackets opackets ibytes obytes\n${s.inPackets} ${s.outPackets} ${s.inBytes} ${s.outBytes}`,
      `ierrors oerrors imissed rx_nombuf\n${s.inErrors} ${s.outErrors} ${s.inMissed} ${s.noBuffer}`,
      `mbuf-avail mbuf-inuse\n${s.poolFree} ${s.poolUsed}`,
    ].join('\n');
  }
  if (message === 'PORT_XSTATS') {
    return ['xstats list:', ...ports.decodeXstats(body).map((x) => `${x.id} ${x.name}: ${x.value}`)].join('\n');
  }
  return hardware(ports.decodePortExtInfo(body));
}

const HEX = new Set(['rx_ol_capa', 'tx_ol_capa', 'flowtype_rss_ol']);
const HARDWARE_ROWS = [
  ['if_index', 'min_rx_bufsize', 'max_rx_pktlen', 'max_mac_addrs'],
  ['max_rx_queues', 'max_tx_queues', 'max_hash_addrs', 'max_vfs'],
  ['max_vmdq_pools', 'rx_ol_capa', 'tx_ol_capa', 'reta_size'],
  ['hash_key_size', 'flowtype_rss_ol', 'vmdq_que_base', 'vmdq_que_num'],
  ['rx_desc_max', 'rx_desc_min', 'rx_desc_align', 'vmdq_pool_base'],
  ['tx_desc_max', 'tx_desc_min', 'tx_desc_align', 'speed_capa'],
];

function hardware(info: ports.PortExtInfo): string {
  const value = (name: string) =>
    HEX.has(name) ? `0x${info.numbers[name]!.toString(16).toUpperCase()}` : String(info.numbers[name]);
  return [
    'pci_addr driver_name',
    `${info.pci} ${info.driver}`,
    ...HARDWARE_ROWS.flatMap((row) => [row.join(' '), row.map(value).join(' ')]),
    'Queue Configuration:',
    ...info.queues,
    'HW mcast list:',
    ...info.multicast,
  ].join('\n');
}

function portList(answers: readonly Answered[]): string {
  const ids = new Map<string, number>();
  for (const { message, body } of answers)
    if (message === 'PORT_LIST') for (const p of ports.decodePortList(body)) ids.set(p.name, p.id);
  const name = (asked: Buffer) => asked.toString('latin1').split('\0')[0]!;
  return answers
    .filter((a) => a.message !== 'PORT_LIST')
    .map((a) => portPart(a, ids.get(name(a.asked)) ?? 0))
    .join('\n');
}

function cores(answers: readonly Answered[]): string {
  const mask = answers.find((a) => a.message === 'LCORE_MASK');
  const { master } = mask === undefined ? { master: -1 } : lcores.decodeLcoreMask(mask.body);
  const lines: string[] = [];
  for (const { message, body } of answers) {
    if (message === 'LCORE_BASIC') {
      const { lcore, socket, queues } = lcores.decodeLcoreBasic(body);
      if (mask !== undefined)
        lines.push(
          ...(lcore === master ? ['<< Controll Plane >>'] : lines.includes('<< Data Plane >>') ? [] : ['<< Data Plane >>']),
        );
      lines.push(`${lcore + 1}: cpu${lcore}: socket ${socket}`, `queues ${queues.length === 0 ? 'none' : queues.join(' ')}`);
    } else if (message === 'LCORE_STATS') {
      const s = lcores.decodeLcoreStats(body);
      lines.push('lcore_loop pktburst zpktburst fpktburst', `${s.loops} ${s.bursts} ${s.emptyBursts} ${s.fullBursts}`);
      lines.push('z2hpktburst h2fpktburst dropped', `${s.lowBursts} ${s.highBursts} ${s.dropped}`);
      lines.push('ipackets ibytes opackets obytes', `${s.inPackets} ${s.inBytes} ${s.outPackets} ${s.outBytes}`);
    }
  }
  return lines.join('\n');
}

function multicast(answers: readonly Answered[]): string {
  const [list, ...rest] = answers;
  const names = ports.decodePortList(list!.body);
  return rest
    .flatMap(({ message, asked, body }) => {
      if (message === 'MULTICAST') return inventory.decodeMulticast(body).map((a) => `${family(a)} ${a}`);
      const port = names.find((p) => asked.toString('latin1').startsWith(`${p.name}\0`))!;
      return [`${port.id + 1}: ${port.name}`, ...inventory.decodeMulticastMacs(body).map((a) => `link ${a}`)];
    })
    .join('\n');
}

function neighbours(answers: readonly Answered[]): string {
  return inventory
    .decodeNeighbours(answers[0]!.body)
    .map(
      (n) =>
        `ip: ${n.address} mac: ${n.mac} state: ${n.state.toUpperCase()} dev: ${n.device} core: ${n.lcore} ` +
        `${n.fixed ? 'static' : ''}`,
    )
    .join('\n');
}

function routes(answers: readonly Answered[]): string {
  return [
    ...answers
      .flatMap((a) => (a.message === 'ROUTES' ? inventory.decodeRoutes(a.body) : []))
      .map((r) => {
        const scope = (r.flags & ROUTE_LOCAL) !== 0 ? 'host' : r.gateway === '0.0.0.0' ? 'link' : 'global';
        const place = `via ${r.gateway} src ${r.source} dev ${r.device} mtu ${r.mtu} tos 0 scope ${scope}`;
        return `inet ${r.destination}/${r.prefix} ${place} metric ${r.metric} proto auto`;
      }),
    ...answers
      .flatMap((a) => (a.message === 'ROUTES6' ? inventory.decodeRoutes6(a.body) : []))
      .map((r) => {
        const scope = (r.flags & ROUTE_LOCAL) !== 0 ? 'host' : r.gateway === '::' ? 'link' : 'global';
        const via = r.gateway === '::' ? '' : `via ${r.gateway} `;
        const src = r.source === '::' ? '' : `src ${r.source} `;
        return `inet6 ${r.destination}/${r.prefix} ${via}${src}dev ${r.device} mtu ${r.mtu} scope ${scope}`;
      }),
  ].join('\n');
}

/** What the command prints, made from what we decode of its exchanges. Throws when an answer is an error. */
export function asPrinted(command: string, exchanges: readonly Exchange[]): string {
  const answers = opened(exchanges);
  if (/^ipvsadm -l --(daemon|timeout)/.test(command)) return versionOf(answers) && '';
  if (command.startsWith('ipvsadm -v')) return versionOf(answers);
  if (command.startsWith('ipvsadm -S')) return rules(answers);
  if (command.includes('--get-blklst')) return accessList('BLACKLIST', answers);
  if (command.includes('--get-whtlst')) return accessList('WHITELIST', answers);
  if (command.includes('--get-laddr') || command.includes(' -G ')) return localAddresses(answers);
  if (command.startsWith('ipvsadm -lnc')) return connections(answers);
  if (command.startsWith('ipvsadm')) return listing(command, answers);
  if (command.includes(' addr ')) return interfaceAddresses(command, answers);
  if (command.includes(' maddr ')) return multicast(answers);
  if (command.includes(' neigh ')) return neighbours(answers);
  if (command.includes(' route ')) return routes(answers);
  return command.includes('cpu') ? cores(answers) : portList(answers);
}

/**
 * Lines without the spaces of their columns. Blocks of services are sorted, and so are the real servers in each: the tools sort,
 * we do not.
 */
export function comparable(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).join(' '))
    .filter((line) => line !== '');
  const blocks: string[][] = [];
  for (const line of lines) {
    const part = line.startsWith('-> ') || line.startsWith('-a ') || /^[\da-f.:]+ \d+ \d+$/.test(line);
    if (part && blocks.length > 0) blocks.at(-1)!.push(line);
    else blocks.push([line]);
  }
  const order = /^(IP Virtual|Prot|TCP|UDP|MATCH|-A|\S+:\d+ \d+$)/.test(lines[0] ?? '') || (lines[0] ?? '').startsWith('VIP');
  if (!order) return lines;
  return blocks.map(([head, ...rest]) => [head, ...rest.sort()].join('\n')).sort();
}
