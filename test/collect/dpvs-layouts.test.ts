/** Older releases: messages that their own structures wrote (test/fixtures/dpvs-layouts/layouts.c), decoded and probed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import {
  decodeInterfaceAddresses,
  decodeLocalAddresses,
  encodeInterfaceAddresses,
  encodeLocalAddresses,
} from '../../src/collect/dpvs/addresses.ts';
import { LAYOUTS, type Layout } from '../../src/collect/dpvs/layout.ts';
import { decodeLcoreMask } from '../../src/collect/dpvs/lcores.ts';
import { type Dialect, IDS, type Message } from '../../src/collect/dpvs/messages.ts';
import { decodeBond, decodePortBasic, decodePortStats } from '../../src/collect/dpvs/ports.ts';
import { decodeDests, decodeServices, encodeDests, encodeServices } from '../../src/collect/dpvs/services.ts';
import { type Answer, dataOf, FakeDpvs, openOn, reply } from './dpvs-fake.ts';

const written = (release: string, name: string) =>
  readFileSync(new URL(`../fixtures/dpvs-layouts/${release}/${name}.bin`, import.meta.url));
const layoutOf = (size: number) => LAYOUTS.find((l) => l.service.size === size)!;
const RELEASES = [
  ['v1.9.2', layoutOf(696), 'classic'],
  ['v1.9.4', layoutOf(256), 'classic'],
  ['v1.9.6', layoutOf(264), 'early'],
] as const satisfies readonly (readonly [string, Layout, Dialect])[];

for (const [release, layout] of RELEASES) {
  const read = (name: string) => written(release, name);
  describe(`layouts of ${release}`, () => {
    it('services', () => {
      const list = decodeServices(layout, read('services'));
      const summary = list.map((s) => [
        s.service,
        s.scheduler,
        s.persistence,
        s.connTimeout,
        s.mask,
        s.bps,
        s.dests,
        s.laddrs,
        s.match,
      ]);
      const rest = ['wrr', 300, 60, 0xffffff, 7, 2, 1] as const;
      assert.deepEqual(summary, [
        ['10.0.0.1:80/tcp', ...rest, false],
        ['fwmark:7/ipv6', ...rest, false],
        ['match:tcp,from=10.0.1.1-10.0.1.9:0-0,oif=dpdk0', ...rest, true],
      ]);
      assert.equal(list[1]!.vip, 'fwmark:7');
      assert.ok(encodeServices(layout, 3, 0).equals(read('services.request')));
    });

    it('real servers; what the release does not tell is not made up', () => {
      const service = decodeServices(layout, read('services'))[0]!;
      assert.ok(encodeDests(layout, service, 0).equals(read('dests.request')));
      const traffic = { connections: 1, inPackets: 2, inBytes: 3, outPackets: 4, outBytes: 1n << 60n };
      const states = layout.dest.states < 0;
      const both = {
        upper: 100,
        lower: 10,
        active: 3,
        inactive: 4,
        persistent: 1,
        overloaded: states ? undefined : false,
        traffic,
      };
      assert.deepEqual(decodeDests(layout, read('dests'), 2), [
        { realServer: '10.0.1.1:8080', forward: 'FullNAT', weight: 5, ...both, inhibited: states ? undefined : true },
        { realServer: '10.0.1.2:8080', forward: 'DR', weight: 6, ...both, inhibited: states ? undefined : false },
      ]);
    });

    it('local addresses and addresses of interfaces', () => {
      const service = decodeServices(layout, read('services'))[0]!;
      assert.ok(encodeLocalAddresses(layout, service).equals(read('laddrs.request')));
      assert.deepEqual(decodeLocalAddresses(layout, read('laddrs')), [{ address: '10.0.2.1', connections: 9, conflicts: 0 }]);
      assert.ok(encodeInterfaceAddresses(layout).equals(read('ifaddrs.request')));
      const common = { address: '10.0.0.1', prefix: 24, device: 'dpdk0.102', scope: 2, lcore: 1, valid: 11, preferred: 12 };
      const pool = { used: 21, free: 22, missed: 23 };
      assert.deepEqual(decodeInterfaceAddresses(layout, read('ifaddrs')), [{ ...common, broadcast: '10.0.0.255', pool }]);
    });

    it('ports, bonds, cores', () => {
      const basic = {
        name: 'dpdk0',
        mac: '02:00:00:00:00:01',
        up: true,
        duplex: 'full-duplex',
        autoneg: 'auto-nego',
        megabits: 25000,
      };
      const counts = { rxQueues: 4, txQueues: 5, socket: 1, mtu: 9000, flags: ['promisc', 'tx-udp-csum'] };
      assert.deepEqual(decodePortBasic(layout, read('port-basic')), { ...basic, ...counts });
      const packets = { poolFree: 31, poolUsed: 32, inPackets: 33, outPackets: 34, inBytes: 35, outBytes: 36 };
      const lost = { inMissed: 37, inErrors: 38, outErrors: 39, noBuffer: 40 };
      assert.deepEqual(decodePortStats(layout, read('port-stats')), { ...packets, ...lost });
      const members = [
        { name: 'dpdk0', active: true, primary: false },
        { name: 'dpdk1', active: false, primary: true },
      ];
      assert.deepEqual(decodeBond(read('bond')), { mode: 4, active: 1, members });
      assert.deepEqual(decodeLcoreMask(read('lcore-mask')), { master: 1, kni: 5, workers: [2, 3], isolated: [4] });
    });
  });
}

it('the mask of cores before there was one for KNI', () => {
  assert.deepEqual(decodeLcoreMask(written('v1.9.2', 'lcore-mask-v1.8.2')), {
    master: 1,
    kni: undefined,
    workers: [2, 3],
    isolated: [4],
  });
});

/** Real servers as the worker whose index the request has: 1 is lcore 2. Requests of v1.9.2 have none. */
function answeredBy(request: Buffer, dests: Buffer): Buffer {
  const index = request.length === 24 + 144 ? request[24 + 141]! : 0;
  if (index > 0) dests[140] = index + 1;
  return dests;
}

/**
 * A DPVS of that release with the written messages; closes on numbers that it does not know, or answers as its own message of
 * that number.
 */
function serving(release: string, dialect: Dialect): Answer {
  const read = (name: string) => written(release, name);
  const info = Buffer.alloc(16);
  info.writeUInt32LE(release === 'v1.9.2' ? 0 : 0x010900, 0);
  info.writeUInt32LE(3, 8);
  info.writeUInt32LE(2, 12);
  const version = Buffer.alloc(64);
  version.write(release === 'v1.9.2' ? 'DPDK-FULLNAT Server version 1.1.4 (size=0)' : `dpvs:${release}`);
  const list = Buffer.alloc(28);
  list.writeUInt16LE(1, 0);
  list.write('dpdk0', 12);
  const bodies: Partial<Record<Message, (request: Buffer) => Buffer>> = {
    VERSION: () => version,
    INFO: () => info,
    SERVICES: () => read('services'),
    DESTS: (request) => answeredBy(request, read('dests')),
    LADDRS: () => read('laddrs'),
    IFADDRS: () => read('ifaddrs'),
    LCORE_MASK: () => read('lcore-mask'),
    LCORE_BASIC: () => Buffer.alloc(8),
    LCORE_STATS: (request) => Buffer.concat([request.subarray(24, 25), Buffer.alloc(95)]),
    PORT_LIST: () => list,
    PORT_BASIC: () => read('port-basic'),
    PORT_STATS: () => read('port-stats'),
  };
  const names = new Map(Object.entries(IDS[dialect]).map(([name, id]) => [id as number, name as Message]));
  return (request) => {
    const id = request.readUInt32LE(4);
    const message = names.get(id);
    const body = message === undefined ? undefined : bodies[message];
    if (message === 'LCORE_BASIC' && request.length === 24) return reply(id, Buffer.alloc(0), -1);
    return body === undefined ? undefined : reply(id, body(request));
  };
}

describe('probing', () => {
  const cleanups: (() => unknown)[] = [];
  after(async () => {
    for (const clean of cleanups.reverse()) await clean();
  });
  for (const [release, layout, dialect] of RELEASES) {
    it(`reads ${release} by itself`, async () => {
      const server = await new FakeDpvs(serving(release, dialect)).listen();
      const source = openOn(
        server.path,
        { perCore: 'services' },
        { nics: () => [{ name: 'eth0', device: 'eth0', dataplane: 'dpdk0' }] },
      );
      cleanups.push(
        () => server.close(),
        () => source.close(),
      );
      const data = await dataOf(source.read());
      assert.equal(data.messages, layout.releases);
      assert.deepEqual(
        data.services.map((s) => [s.service, s.realServers.length, s.device, s.port]),
        [
          ['10.0.0.1:80/tcp', 2, 'dpdk0.102', 'dpdk0'],
          ['fwmark:7/ipv6', 2, undefined, undefined],
          ['match:tcp,from=10.0.1.1-10.0.1.9:0-0,oif=dpdk0', 2, undefined, undefined],
        ],
      );
      assert.deepEqual(
        data.cores.map((c) => [c.role, c.stats.lcore]),
        [
          ['master', 1],
          ['kni', 5],
          ['worker', 2],
          ['worker', 3],
          ['isolated', 4],
        ],
      );
      assert.equal(data.perCore.length, layout.perCore ? 6 : 0);
      assert.equal(server.most, 1);
    });
  }

  it('refuses a release whose services have another size, and says which sizes it knows', async () => {
    const answer = serving('v1.9.6', 'modern');
    const server = await new FakeDpvs((request) => {
      if (request.readUInt32LE(4) !== IDS.modern.SERVICES) return answer(request);
      return reply(IDS.modern.SERVICES, Buffer.alloc(8 + 3 * 272));
    }).listen();
    const source = openOn(server.path);
    cleanups.push(
      () => server.close(),
      () => source.close(),
    );
    await assert.rejects(
      source.read(),
      /SERVICES of "dpvs:v1.9.6": 824 bytes for 3 services; expected 8 and .* 264 \(v1\.9\.6 to v1\.10\.2\)/,
    );
  });
});
