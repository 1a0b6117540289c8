import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { renameSync } from 'node:fs';
import { dpvs } from '../../src/collect/dpvs.ts';
import { carrier } from '../../src/collect/dpvs/carrier.ts';
import type { DpvsData, PortReading } from '../../src/collect/dpvs/data.ts';
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { PartialBursts, Sums, Wrapping } from '../../src/collect/dpvs/monotonic.ts';
import type { Dest } from '../../src/collect/dpvs/services.ts';
import { encodeRequest } from '../../src/collect/dpvs/wire.ts';
import { EvidenceJoin } from '../../src/collect/join.ts';
import { Output } from '../../src/collect/output.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { asPrinted, comparable } from './dpvs-printed.ts';
import {
  type Answer,
  dataOf,
  FakeDpvs,
  measureCost,
  ONE_HOST,
  openOn,
  recording,
  recordings,
  replay,
  reply,
  synthetic,
} from './dpvs-fake.ts';

const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

async function serve(answer: Answer, ...open: [settings?: object, context?: object]) {
  const server = await new FakeDpvs(answer).listen();
  const source = openOn(server.path, ...open);
  cleanups.push(
    () => server.close(),
    () => source.close(),
  );
  return { server, source };
}

const ALL = {
  xstats: ['*good*'],
  extra: ['neighbours', 'routes', 'accessLists', 'multicast', 'connections'],
  perCore: 'realServers',
};

/** Values of a family by its labels. */
function values(output: Output, name: string): Record<string, number> {
  const family = output.families().find((f) => f.name === `fourlane_${name}`);
  return Object.fromEntries((family?.rows ?? []).map((row, i) => [row.join(' '), Number(family!.values[i])]));
}

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
      modern: [3, 17, 18, 19, 20, 21, 32, 35, 51, 52, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 72, 76, 80, 90],
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
    const { server, source } = await serve(replay(ONE_HOST), ALL);
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
    const { source } = await serve(replay(ONE_HOST), ALL);
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
      connections!
        .filter((c) => c.vip === '[fd71::100]:80/tcp')
        .map(({ realServer, ...c }) => [realServer, c.port, c.connections, c.replies]),
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
    const { source } = await serve(replay(ONE_HOST));
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
  const plain = (name: string): PortReading => ({ basic: { ...BASIC, name }, stats: STATS });
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

describe('dpvs bounds what it costs', () => {
  it('services take turns when there are more than one reading may ask for', async () => {
    const { server, source } = await serve(synthetic({ services: 5, realServers: 2, cores: 1 }), { servicesPerReading: 2 });
    const seen: [number, number, number][] = [];
    for (let i = 0; i < 3; i++) {
      const before = server.requests.filter((r) => r.readUInt32LE(4) === IDS.modern.DESTS).length;
      const data = await dataOf(source.read());
      const asked = server.requests.filter((r) => r.readUInt32LE(4) === IDS.modern.DESTS).length - before;
      seen.push([data.services.length, data.unread, asked]);
    }
    assert.deepEqual(seen, [
      [2, 3, 2],
      [4, 3, 2],
      [5, 3, 2],
    ]);
  });

  it('details and services by core are read at their own pace, the latter in portions', async () => {
    let now = 0;
    const settings = { servicesPerReading: 3, detailInterval: '60s', perCore: 'services', perCoreInterval: '5m' };
    const { server, source } = await serve(synthetic({ services: 2, realServers: 1, cores: 2 }), settings, { clock: () => now });
    const asked: number[][] = [];
    const sizes: number[] = [];
    for (now of [0, 15_000, 30_000, 60_000, 300_000]) {
      server.requests.length = 0;
      sizes.push((await dataOf(source.read())).perCore.length);
      const count = (id: number) => server.requests.filter((r) => r.readUInt32LE(4) === id).length;
      asked.push([count(IDS.modern.LCORE_BASIC), count(IDS.modern.DESTS) - 2]);
    }
    assert.deepEqual(sizes, [3, 4, 4, 4, 4]);
    assert.deepEqual(asked, [
      [3, 3],
      [0, 1],
      [0, 0],
      [3, 0],
      [3, 3],
    ]);
  });

  it('100 services with 100 real servers on 8 cores: all in one reading', async (t) => {
    const cost = await measureCost({ services: 100, realServers: 100, cores: 8 });
    const percent = (cost.readMs / 10_000 + (cost.publishMs + cost.evidenceMs) / 5000) * 100;
    const parts = `read ${cost.readMs.toFixed(1)}, publish ${cost.publishMs.toFixed(1)}, evidence ${cost.evidenceMs.toFixed(1)}`;
    t.diagnostic(`CPU ms: ${parts}; at the default cadence ${percent.toFixed(2)} % of a core; ${cost.series} series`);
    assert.ok(cost.series > 100_000);
  });
});

describe('dpvs reads links oftener than tables', () => {
  it('and goes on with links while DPVS is too busy for tables', async () => {
    let now = 0;
    let busy = false;
    const down = new Set<number>();
    const good = replay(ONE_HOST);
    const answer: Answer = (request) => {
      const id = request.readUInt32LE(4);
      if (busy && id === IDS.modern.SERVICES) return reply(id, Buffer.alloc(0), -13);
      const bytes = good(request) as Buffer | undefined;
      if (bytes === undefined || !down.has(id)) return bytes;
      const changed = Buffer.from(bytes);
      changed.write('DOWN\0', 88 + 64);
      return changed;
    };
    const { server, source } = await serve(answer, { tableInterval: '10s' }, { clock: () => now });
    const plan = { nics: [{ name: 'eth0', dataplane: 'dpdk0' }], services: [] } as unknown as Parameters<
      EvidenceJoin['facts']
    >[0];
    const join = new EvidenceJoin();
    const read = async (t: number) => {
      now = t;
      server.requests.length = 0;
      const data = await dataOf(source.read());
      const { links } = join.facts(plan, 'dpvs', dpvs.evidence!(data), t);
      return [
        server.requests.some((r) => r.readUInt32LE(4) === IDS.modern.SERVICES),
        data.services.length,
        data.unread,
        links[0]!.carrier,
      ];
    };
    assert.deepEqual(await read(0), [true, 6, 0, 1]);
    down.add(IDS.modern.PORT_BASIC);
    assert.deepEqual(await read(5000), [false, 6, 0, 0]);
    busy = true;
    assert.deepEqual(await read(10_000), [true, 6, 6, 0]);
    busy = false;
    down.clear();
    assert.deepEqual(await read(15_000), [true, 6, 0, 1]);
    assert.deepEqual(await read(20_000), [false, 6, 0, 1]);
  });
});

describe('dpvs and tables that change', () => {
  /** Answers like the replay, but the first times to a message with this code. */
  const disturbed = (message: keyof typeof IDS.modern, codes: number[]): Answer => {
    const answer = replay([...ONE_HOST, 'ipvsadm-ln-stats-t']);
    return (request) => {
      const id = request.readUInt32LE(4);
      const code = id === IDS.modern[message] ? codes.shift() : undefined;
      return code === undefined ? answer(request) : reply(id, Buffer.alloc(0), code);
    };
  };

  it('asks again what was busy or dropped, and counts it', async () => {
    const { source } = await serve(disturbed('DESTS', [-13, -24, -24]));
    const { unread, control } = await dataOf(source.read());
    assert.deepEqual(
      [unread, control.dropped, control.errors],
      [
        0,
        2,
        [
          [-13, 1],
          [-24, 2],
        ],
      ],
    );
  });

  it('asks for the list again when it has another length by now', async () => {
    const codes = [-1];
    const { source } = await serve((request) => {
      // The probe's own list is not the one that is disturbed.
      const first = disturbed('SERVICES', request.readUInt32LE(4) === IDS.modern.SERVICES && probed++ > 0 ? codes : []);
      return first(request);
    });
    let probed = 0;
    assert.equal((await dataOf(source.read())).services.length, 6);
    assert.deepEqual(codes, []);
  });

  it('asks how many real servers a service has by now, and leaves it out when that is no use either', async () => {
    const vip = '10.71.0.100:80/tcp';
    const answer = replay([...ONE_HOST, 'ipvsadm-ln-stats-t']);
    let times = 0;
    const { source, server } = await serve((request) => {
      const id = request.readUInt32LE(4);
      // Port 80 in network order, of an IPv4 service.
      const mine = id === IDS.modern.DESTS && request[24] === 2 && request.readUInt16BE(30) === 80;
      if (mine && times-- > 0) return reply(id, Buffer.alloc(0), -1);
      if (id === IDS.modern.SERVICE) return answer(recording('ipvsadm-ln-stats-t').exchanges[1]!.request);
      return answer(request);
    });
    const counts = async (failures: number) => {
      times = failures;
      const data = await dataOf(source.read());
      return [data.services.find((s) => s.service === vip)?.realServers.length, data.unread];
    };
    assert.deepEqual(await counts(2), [undefined, 1]);
    assert.deepEqual(await counts(1), [3, 0]);
    assert.deepEqual(await counts(2), [3, 1], 'as they were');
    assert.ok(server.requests.some((r) => r.readUInt32LE(4) === IDS.modern.SERVICE));
  });

  it('fails, saying why, when a worker keeps dropping', async () => {
    const { source } = await serve(disturbed('LCORE_STATS', [-24, -24, -24, -24]));
    await assert.rejects(source.read(), /LCORE_STATS: DPVS answers "invalid parameter" \(-24\)/);
  });
});

describe('dpvs tells what is the matter', () => {
  it('without a socket it is absent', async () => {
    const source = openOn('/nonexistent/dpvs.ipc');
    assert.deepEqual(await source.read(), {
      state: 'absent',
      reason:
        'there is no control socket /nonexistent/dpvs.ipc; DPVS is not here, or makes it elsewhere (dpvs -x): collectors.dpvs.socket',
    });
  });

  it('a socket left behind', async () => {
    const { server, source } = await serve(synthetic({ services: 0, realServers: 0, cores: 1 }));
    assert.equal((await dataOf(source.read())).services.length, 0);
    // What a killed DPVS leaves: a socket that nobody listens on. Node would remove it by its name.
    const aside = `${server.path}.aside`;
    renameSync(server.path, aside);
    await server.stop();
    renameSync(aside, server.path);
    await assert.rejects(source.read(), /dpvs\.ipc PORT_LIST: nobody listens: DPVS has ended and left its socket behind/);
  });

  it('a server that is another one, and one that hangs', async () => {
    const { source } = await serve(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(10)));
    await assert.rejects(
      source.read(),
      /VERSION: head of the reply: version 0x50545448, id 825110831, type .*; expected version 0x10000/,
    );
    const hanging = await serve(() => () => {}, { requestTimeout: '50ms' });
    await assert.rejects(hanging.source.read(), /VERSION: does not answer: another client holds it, or its master core hangs/);
  });

  it('a restart is seen by the new socket, and probed anew', async () => {
    const { server, source } = await serve(replay(ONE_HOST));
    const before = await dataOf(source.read());
    await server.stop();
    assert.equal((await source.read()).state, 'absent');
    await server.listen();
    server.requests.length = 0;
    const later = await dataOf(source.read());
    assert.equal(server.requests[0]!.readUInt32LE(4), IDS.modern.VERSION);
    assert.notEqual(later.epoch, before.epoch);
  });

  it('mistakes in its settings', () => {
    const issues = (block: object) =>
      blockSchema(dpvs)
        .safeParse(block)
        .error?.issues.map((i) => i.message);
    assert.match(issues({ xstats: 'rx*' })![0]!, /expected array/);
    assert.match(issues({ extra: ['everything'] })![0]!, /Invalid option/);
    assert.match(issues({ servicesPerReading: 0 })![0]!, /Too small/);
    assert.equal(issues({}), undefined);
  });
});
