/** A reading of DPVS as samples and as evidence. Pure. */
import type { ConnectionEvidence, Evidence, Samples } from '../collector.ts';
import * as core from '../core-metrics.ts';
import type { Metric } from '../../model/family.ts';
import * as m from '../service-metrics.ts';
import * as c from '../control-metrics.ts';
import type { DpvsData, PortReading, ServiceReading } from './data.ts';
import type { Neighbour } from './inventory.ts';
import * as d from './metrics.ts';
import type { Traffic } from '../service-metrics.ts';

const SOURCE = 'dpvs';

export function publish(data: DpvsData, samples: Samples): void {
  samples.gauge(d.INFO, [data.version, data.messages], 1);
  for (const port of data.ports) publishPort(port, data, samples);
  const { requests, dropped, errors } = data.control;
  samples.counter(d.CONTROL_REQUESTS, [], requests);
  samples.counter(d.CONTROL_DROPPED, [SOURCE], dropped);
  for (const [code, count] of errors) samples.counter(d.CONTROL_ERRORS, [String(code)], count);
  samples.gauge(d.SERVICES_UNREAD, [], data.unread);
  if (data.tablesNew || !samples.keep(d.TABLE_METRICS)) publishTables(data, samples);
}

function publishTables(data: DpvsData, samples: Samples): void {
  let connections = 0;
  for (const service of data.services) connections += publishService(service, data.epoch, samples);
  samples.gauge(m.CONNECTIONS_USED, [SOURCE], connections);
  publishCores(data, samples);
  publishAddresses(data, samples);
  publishPaths(data, samples);
  publishPerCore(data, samples);
  publishExtras(data, samples);
}

/**
 * DPVS counts at real servers only, and its tools sum them: those sums fall when one is removed. Services are the sums of what
 * their real servers increased by. @returns connections in the table
 */
function publishService(s: ServiceReading, epoch: string, samples: Samples): number {
  const labels = [SOURCE, s.service];
  const own = { in: [...labels, 'in'], out: [...labels, 'out'] };
  let active = 0;
  let inactive = 0;
  const follow = (metric: Metric, rs: readonly string[], sum: Metric, of: readonly string[], value: Traffic['connections']) =>
    samples.increase(sum, of, samples.counter(metric, rs, value, epoch));
  // A service without real servers has its series too.
  samples.increase(m.SERVICE_CONNECTIONS, labels, 0);
  for (const metric of [m.SERVICE_PACKETS, m.SERVICE_BYTES]) {
    samples.increase(metric, own.in, 0);
    samples.increase(metric, own.out, 0);
  }
  for (const server of s.realServers) {
    const rs = [SOURCE, s.service, server.realServer];
    const rsIn = [SOURCE, s.service, server.realServer, 'in'];
    const rsOut = [SOURCE, s.service, server.realServer, 'out'];
    const { traffic: t } = server;
    follow(m.REAL_SERVER_CONNECTIONS, rs, m.SERVICE_CONNECTIONS, labels, t.connections);
    samples.gauge(m.REAL_SERVER_ACTIVE, rs, server.active);
    samples.gauge(m.REAL_SERVER_INACTIVE, rs, server.inactive);
    samples.gauge(m.REAL_SERVER_WEIGHT, rs, server.weight);
    if (server.inhibited !== undefined) samples.gauge(d.INHIBITED, rs, Number(server.inhibited));
    if (server.overloaded !== undefined) samples.gauge(d.OVERLOADED, rs, Number(server.overloaded));
    follow(m.REAL_SERVER_PACKETS, rsIn, m.SERVICE_PACKETS, own.in, t.inPackets);
    follow(m.REAL_SERVER_PACKETS, rsOut, m.SERVICE_PACKETS, own.out, t.outPackets);
    follow(m.REAL_SERVER_BYTES, rsIn, m.SERVICE_BYTES, own.in, t.inBytes);
    follow(m.REAL_SERVER_BYTES, rsOut, m.SERVICE_BYTES, own.out, t.outBytes);
    active += server.active;
    inactive += server.inactive;
  }
  samples.gauge(m.SERVICE_ACTIVE, labels, active);
  samples.gauge(m.SERVICE_INACTIVE, labels, inactive);
  const flags = [String(s.persistence > 0), String(s.synproxy)];
  samples.gauge(d.SERVICE_INFO, [s.service, s.scheduler, ...flags, s.port ?? ''], 1);
  return active + inactive;
}

function publishCores({ cores, details, epoch }: DpvsData, samples: Samples): void {
  for (const { role, stats, partialBursts } of cores) {
    const name = String(stats.lcore);
    const labels = [SOURCE, name];
    samples.gauge(d.CORE_INFO, [name, role, (details.queues.get(stats.lcore) ?? []).join(' ')], 1);
    samples.counter(core.CORE_LOOPS, labels, stats.loops, epoch);
    samples.counter(core.CORE_POLLS, [...labels, 'empty'], stats.emptyBursts, epoch);
    samples.counter(core.CORE_POLLS, [...labels, 'partial'], partialBursts, epoch);
    samples.counter(core.CORE_POLLS, [...labels, 'full'], stats.fullBursts, epoch);
    samples.counter(core.CORE_PACKETS, [...labels, 'in'], stats.inPackets, epoch);
    samples.counter(core.CORE_PACKETS, [...labels, 'out'], stats.outPackets, epoch);
    samples.counter(core.CORE_BYTES, [...labels, 'in'], stats.inBytes, epoch);
    samples.counter(core.CORE_BYTES, [...labels, 'out'], stats.outBytes, epoch);
    samples.counter(core.CORE_DROPPED, labels, stats.dropped, epoch);
    if (role === 'kni' || role === 'isolated')
      samples.counter(c.CONTROL_PATH_DROPPED, [SOURCE, `${role}_core`, name], stats.dropped, epoch);
  }
}

/** Whether the port carries packets: link, and of a bond an active member. */
function hasLink({ basic, bond }: PortReading): 0 | 1 {
  return basic.up && (bond === undefined || bond.active > 0) ? 1 : 0;
}

/** The kernel's side of a port always claims 10 Mbit/s; all ones are DPDK's word for a speed that is not known. */
function hasSpeed({ name, up, megabits }: PortReading['basic']): boolean {
  return up && megabits > 0 && megabits < 0xffff_ffff && !name.endsWith('.kni');
}

function publishPort(p: PortReading, { details, epoch }: DpvsData, samples: Samples): void {
  const { basic, stats, bond } = p;
  const { name } = basic;
  const hardware = details.hardware.get(name);
  samples.gauge(d.PORT_UP, [name], hasLink(p));
  samples.gauge(d.PORT_INFO, [name, basic.mac, hardware?.driver ?? '', hardware?.pci ?? ''], 1);
  if (hasSpeed(basic)) samples.gauge(d.PORT_SPEED, [name], basic.megabits * 125_000);
  samples.counter(d.PORT_PACKETS, [name, 'in'], stats.inPackets, epoch);
  samples.counter(d.PORT_PACKETS, [name, 'out'], stats.outPackets, epoch);
  samples.counter(d.PORT_BYTES, [name, 'in'], stats.inBytes, epoch);
  samples.counter(d.PORT_BYTES, [name, 'out'], stats.outBytes, epoch);
  samples.counter(d.PORT_ERRORS, [name, 'in'], stats.inErrors, epoch);
  samples.counter(d.PORT_ERRORS, [name, 'out'], stats.outErrors, epoch);
  samples.counter(d.PORT_MISSED, [name], stats.inMissed, epoch);
  samples.counter(d.PORT_NO_BUFFER, [name], stats.noBuffer, epoch);
  samples.gauge(d.PORT_BUFFERS, [name, 'free'], stats.poolFree);
  samples.gauge(d.PORT_BUFFERS, [name, 'used'], stats.poolUsed);
  for (const xstat of details.xstats.get(name) ?? []) samples.gauge(d.PORT_XSTAT, [name, xstat.name], Number(xstat.value));
  if (bond === undefined) return;
  samples.gauge(d.BOND_MEMBERS, [name, 'active'], bond.active);
  samples.gauge(d.BOND_MEMBERS, [name, 'inactive'], Math.max(0, bond.members.length - bond.active));
  for (const member of bond.members) samples.gauge(d.BOND_MEMBER_ACTIVE, [name, member.name], Number(member.active));
}

function publishPaths({ paths }: DpvsData, samples: Samples): void {
  for (const { nic, state, astray } of paths) {
    for (const each of c.CONTROL_STATES) samples.gauge(c.CONTROL_PATH_STATE, [SOURCE, nic, each], Number(each === state));
    if (astray !== undefined) samples.gauge(c.NUMA_MISPLACED, [SOURCE, nic, 'cores'], astray.length);
  }
}

function publishAddresses({ addresses, pools, details, epoch }: DpvsData, samples: Samples): void {
  for (const a of addresses) samples.gauge(d.ADDRESS_INFO, [a.device, `${a.address}/${a.prefix}`], 1);
  for (const pool of pools) {
    const labels = [SOURCE, pool.port, pool.address];
    samples.gauge(d.SNAT_USED, labels, pool.used);
    samples.gauge(d.SNAT_FREE, labels, pool.free);
    samples.counter(d.SNAT_MISSES, labels, pool.missed, epoch);
    if (pool.core !== undefined) samples.gauge(d.SNAT_CORE, [...labels, String(pool.core)], 1);
  }
  for (const { service, addresses: list } of details.local) {
    for (const a of list) samples.gauge(d.LOCAL_CONNECTIONS, [service, a.address], a.connections);
  }
}

function publishPerCore({ perCore, epoch }: DpvsData, samples: Samples): void {
  for (const { service, lcore, traffic: t, realServers } of perCore) {
    const labels = [SOURCE, service, String(lcore)];
    samples.counter(d.SERVICE_CORE_CONNECTIONS, labels, t.connections, epoch);
    samples.counter(d.SERVICE_CORE_PACKETS, [...labels, 'in'], t.inPackets, epoch);
    samples.counter(d.SERVICE_CORE_PACKETS, [...labels, 'out'], t.outPackets, epoch);
    samples.counter(d.SERVICE_CORE_BYTES, [...labels, 'in'], t.inBytes, epoch);
    samples.counter(d.SERVICE_CORE_BYTES, [...labels, 'out'], t.outBytes, epoch);
    for (const server of realServers) {
      const own = [SOURCE, service, server.realServer, String(lcore)];
      samples.counter(d.REAL_SERVER_CORE_CONNECTIONS, own, server.traffic.connections, epoch);
    }
  }
}

function publishExtras({ details }: DpvsData, samples: Samples): void {
  count(once(details.neighbours), (n) => [n.device, n.state], d.NEIGHBOURS, samples);
  count(details.routes, (r) => [r.device, `ipv${r.family}`], d.ROUTES, samples);
  count(details.deny, (e) => [e.service, 'deny'], d.ACCESS_ENTRIES, samples);
  count(details.allow, (e) => [e.service, 'allow'], d.ACCESS_ENTRIES, samples);
  count(details.connections, (c) => [`${c.service}/${c.protocol}`, c.state], d.SAMPLED_CONNECTIONS, samples);
  for (const { device, addresses, macs } of details.multicast) {
    samples.gauge(d.MULTICAST, [device, 'ip'], addresses);
    samples.gauge(d.MULTICAST, [device, 'mac'], macs);
  }
}

/** Each core knows its own; a neighbour is one thing, reachable when it is for one core. */
function once(neighbours: readonly Neighbour[]): readonly Neighbour[] {
  const known = new Map<string, Neighbour>();
  for (const neighbour of neighbours) {
    const key = `${neighbour.device} ${neighbour.address}`;
    if (!known.has(key) || neighbour.state === 'reachable') known.set(key, neighbour);
  }
  return [...known.values()];
}

function count<T>(list: readonly T[], labelsOf: (item: T) => string[], metric: Metric, samples: Samples): void {
  const groups = new Map<string, { labels: string[]; count: number }>();
  for (const item of list) {
    const labels = labelsOf(item);
    const group = groups.get(labels.join('\0')) ?? { labels, count: 0 };
    group.count++;
    groups.set(labels.join('\0'), group);
  }
  for (const { labels, count: n } of groups.values()) samples.gauge(metric, labels, n);
}

/** Replies come back through DPVS in these modes only. */
const SEES_REPLIES = new Set(['NAT', 'FullNAT']);

export function evidence({ ports, services, epoch }: Pick<DpvsData, 'ports' | 'services' | 'epoch'>): Evidence {
  let connections = connectionsOf.get(services);
  if (connections === undefined) connectionsOf.set(services, (connections = services.flatMap(connectionsTo)));
  return {
    ports: ports.map((p) => ({
      port: p.basic.name,
      link: hasLink(p),
      rxPackets: p.stats.inPackets,
      txPackets: p.stats.outPackets,
      epoch,
    })),
    connections,
    onRequest: true,
  };
}

/** Made once for readings that show the same services. */
const connectionsOf = new WeakMap<DpvsData['services'], readonly ConnectionEvidence[]>();

function connectionsTo({ match, vip, port, via, realServers }: ServiceReading): ConnectionEvidence[] {
  if (match) return [];
  return realServers
    .filter((r) => SEES_REPLIES.has(r.forward))
    .map(({ realServer, traffic }) => ({
      vip,
      key: realServer,
      ...(port === undefined ? {} : { port }),
      ...(via === undefined ? {} : { via }),
      connections: traffic.connections,
      replies: traffic.outPackets,
    }));
}
