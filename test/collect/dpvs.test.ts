import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { dpvs } from '../../src/collect/dpvs.ts';
import { carrier } from '../../src/collect/dpvs/carrier.ts';
import type { DpvsData, PortReading } from '../../src/collect/dpvs/data.ts';
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { PartialBursts, Sums, Wrapping } from '../../src/collect/dpvs/monotonic.ts';
import type { Dest } from '../../src/collect/dpvs/services.ts';
import { encodeRequest } from '../../src/collect/dpvs/wire.ts';
import { Output } from '../../src/collect/output.ts';
import { asPrinted, comparable } from './dpvs-printed.ts';
import { dataOf, ONE_HOST, recording, recordings, replay, serve, values } from './dpvs-fake.ts';

const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const ALL = {
  xstats: ['*good*'],
  extra: ['neighbours', 'routes', 'accessLists', 'multicast', 'connections'],
  perCore: 'realServers',
};

/** Refusals: the tool prints the error, and so do we. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'dpip-s-link-cpu2': /LCORE_BASIC: DPVS answers "invalid parameter" \(-1\)/,
  'dpip-s-link-dpdk9': /PORT_BASIC: DPVS answers "not exist" \(-4\)/,
};

describe('dpvs decodes what its tools printed of the same bytes:', () => {
  for (const name of recordings()) {
    const { command, printed, exchanges } = recording(name);
    it(command, () => {
      const refused = REFUSED[name];
      if (refused !== undefined) assert.throws(() => asPrinted(command, exchanges), refused);
      // It prints the versions that it was compiled with, and of DPVS nothing.
      else if (command === 'ipvsadm -v') assert.equal(asPrinted(command, exchanges), '1.10.2');
      else assert.deepEqual(comparable(asPrinted(command, exchanges)), comparable(printed));
    });
  }
});

describe('dpvs only reads', () => {
  it('knows no message that sets, and sends none but GET', () => {
    // include/conf/sockopts.h of v1.9.6 and v1.9.8 to v1.10.2: what is called GET there.
    const readers = {
      early: [3, 17, 18, 19, 20, 21, 32, 35, 51, 56, 57, 58, 59, 60, 61, 62, 63, 64, 68, 72, 76, 86],
      modern: [3, 17, 18, 19, 20, 21, 32, 35, 51, 52, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 72, 76, 80, 90, 102],
    };
    for (const dialect of ['early', 'modern'] as const) {
      assert.deepEqual(
        Object.values(IDS[dialect]).toSorted((a, b) => a - b),
        readers[dialect],
      );
    }
    assert.equal(encodeRequest(200, Buffer.alloc(0)).readUInt32LE(8), 0);
  });

  it('asks the very bytes that the tools ask, whole in one piece, one connection at a time', async () => {
    const { server, source } = await serve(cleanups, replay(ONE_HOST), ALL);
    const data = await dataOf(source.read());
    assert.equal(server.most, 1);
    assert.equal(server.pieces, server.requests.length);
    for (const request of server.requests) assert.equal(request.readUInt32LE(8), 0);
    const { details } = data;
    const counts = [details.local, details.neighbours, details.routes, details.deny, details.multicast, details.connections];
    assert.deepEqual(
      counts.map((c) => c.length),
      [4, 14, 19, 1, 2, 289],
    );
    assert.equal(details.hardware.get('dpdk1')!.driver, 'net_af_packet');
    assert.deepEqual(
      details.xstats.get('dpdk0')!.map((x) => x.value),
      [6713, 7002, 451713, 1745229],
    );
  });
});

describe('dpvs publishes', () => {
  it('services, real servers, cores, ports, pools, and evidence with the port of each service', async () => {
    const { source } = await serve(cleanups, replay(ONE_HOST), ALL);
    const data = await dataOf(source.read());
    const output = new Output();
    output.take((samples) => dpvs.publish(data, samples));
    assert.deepEqual([...output.dropped()], []);
    const listed = new Set(dpvs.metrics.map((m) => m.name));
    for (const f of output.families()) assert.ok(listed.has(f.name), f.name);
    assert.equal(values(output, 'service_connections_total')['dpvs 10.71.0.100:80/tcp'], 424);
    assert.equal(values(output, 'service_bytes_total')['dpvs [fd71::100]:80/tcp out'], 288972);
    assert.equal(values(output, 'service_core_packets_total')['dpvs 10.71.0.101:8080/tcp 1 in'], 1273);
    assert.equal(values(output, 'core_polls_total')['dpvs 1 partial'], 1325721250 - 1325711648 - 2);
    assert.equal(values(output, 'snat_ports_used')['dpvs dpdk1 10.72.0.200'], 60);
    assert.equal(values(output, 'dpvs_core_info')['0 master '], 1);
    assert.equal(values(output, 'conn_table_used')['dpvs'], 98);
    const { ports, connections } = dpvs.evidence!(data);
    assert.deepEqual(
      ports!.map((p) => [p.port, p.link, p.rxPackets, p.txPackets]),
      [
        ['dpdk0', 1, 6713, 7002],
        ['dpdk1', 1, 6695, 6714],
      ],
    );
    assert.deepEqual(
      connections!.filter((c) => c.vip === '[fd71::100]:80/tcp').map(({ key, ...c }) => [key, c.port, c.connections, c.replies]),
      [
        ['[fd72::12]:80', 'dpdk0', 51, 263],
        ['[fd72::11]:80', 'dpdk0', 153, 796],
      ],
    );
    const seen = new Set(connections!.map((c) => c.vip));
    assert.ok(!seen.has('10.71.0.101:443/tcp'), 'replies of DR do not pass');
    assert.ok(![...seen].some((vip) => vip.startsWith('match:')));
  });

  it('sums of services that do not fall when a real server is removed, comes back, or DPVS starts anew', async () => {
    const { source } = await serve(cleanups, replay(ONE_HOST));
    const data = await dataOf(source.read());
    const output = new Output();
    const publish = (change: (dests: readonly Dest[]) => readonly Dest[], epoch = data.epoch) => {
      const services = data.services.map((s) => ({ ...s, realServers: change(s.realServers) }));
      output.take((samples) => dpvs.publish({ ...data, services, epoch }, samples));
      return values(output, 'service_connections_total')['dpvs 10.71.0.100:80/tcp'];
    };
    const more = (d: Dest, by: number): Dest => ({
      ...d,
      traffic: { ...d.traffic, connections: Number(d.traffic.connections) + by },
    });
    assert.equal(
      publish((dests) => dests),
      424,
    );
    assert.equal(
      publish((dests) => dests.filter((d) => d.realServer !== '10.72.0.11:80')),
      424,
    );
    assert.equal(
      publish((dests) => dests.map((d) => (d.realServer === '10.72.0.11:80' ? more(d, 3 - 212) : d))),
      427,
    );
    assert.equal(
      publish((dests) => dests, 'another run'),
      427 + 424,
    );
  });

  it('no link for a bond without an active member', () => {
    const port: PortReading = {
      device: true,
      basic: { ...BASIC, name: 'bond0' },
      stats: STATS,
      bond: { mode: 4, active: 0, members: [{ name: 'dpdk0', active: false, primary: false }] },
    };
    const data = { ports: [port], services: [], epoch: '1' } as unknown as DpvsData;
    assert.deepEqual(dpvs.evidence!(data).ports, [{ port: 'bond0', link: 0, rxPackets: 1, txPackets: 2, epoch: '1' }]);
  });
});

const BASIC = {
  name: 'dpdk0',
  mac: '',
  up: true,
  duplex: '',
  autoneg: '',
  megabits: 0,
  rxQueues: 1,
  txQueues: 1,
  socket: 0,
  mtu: 1500,
  flags: [],
};
const STATS = {
  poolFree: 0,
  poolUsed: 0,
  inPackets: 1,
  outPackets: 2,
  inBytes: 0,
  outBytes: 0,
  inMissed: 0,
  inErrors: 0,
  outErrors: 0,
  noBuffer: 0,
};

describe('dpvs finds the port behind an interface', () => {
  const plain = (name: string): PortReading => ({ device: true, basic: { ...BASIC, name }, stats: STATS });
  const bond = { ...plain('bond0'), bond: { mode: 4, active: 1, members: [{ name: 'dpdk1', active: true, primary: true }] } };
  const ports = [plain('dpdk0'), plain('dpdk1'), bond];
  for (const [device, named, port] of [
    ['dpdk0', [], 'dpdk0'],
    ['dpdk0.102', [], 'dpdk0'],
    ['dpdk0.102', ['dpdk0'], 'dpdk0'],
    ['dpdk0.102', ['dpdk0.102', 'dpdk0'], 'dpdk0.102'],
    ['dpdk1', ['bond0'], 'bond0'],
    ['bond0.7', ['bond0'], 'bond0'],
    ['odd.name', [], 'odd.name'],
  ] as const) {
    it(`${device}, config names [${named.join()}]: ${port}`, () =>
      assert.equal(carrier(device, ports, new Set<string>(named)), port));
  }
});

describe('dpvs counters', () => {
  it('of 32 bits are carried on when they wrap, and begin anew when their pool does', () => {
    const misses = new Wrapping();
    const follow = (...raw: number[]) => raw.map((r) => misses.follow('a', r));
    assert.deepEqual(follow(5, 2 ** 32 - 1, 3, 4), [5, 2 ** 32 - 1, 2 ** 32 + 3, 2 ** 32 + 4]);
    assert.deepEqual(follow(2), [2]);
    misses.keep(new Set());
    assert.deepEqual(follow(1), [1]);
  });

  it('of partly full bursts never go back while others go on', () => {
    const partial = new PartialBursts();
    assert.equal(partial.follow(1, 100, 50, 10), 40);
    assert.equal(partial.follow(1, 101, 52, 10), 40, 'read in the middle of an update');
    assert.equal(partial.follow(1, 110, 52, 10), 48);
    assert.equal(partial.follow(1, 7, 5, 0), 2, 'began anew');
  });

  it('of a service on a core add up what its real servers increase by', () => {
    const sums = new Sums();
    const dest = (realServer: string, n: number) =>
      ({ realServer, traffic: { connections: n, inPackets: n, outPackets: n, inBytes: n, outBytes: n } }) as unknown as Dest;
    assert.equal(sums.follow([dest('a', 10), dest('b', 5)]).connections, 15);
    assert.equal(sums.follow([dest('a', 11)]).inBytes, 16);
    assert.equal(sums.follow([dest('a', 2), dest('b', 1)]).connections, 19);
  });
});
