/** How the collector asks: what it costs, tables that change, and what it says when something is the matter. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { dpvs } from '../../src/collect/dpvs.ts';
import { IDS } from '../../src/collect/dpvs/messages.ts';
import { encodeRequest } from '../../src/collect/dpvs/wire.ts';
import { EvidenceJoin } from '../../src/collect/join.ts';
import { Output } from '../../src/collect/output.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import {
  type Answer,
  dataOf,
  measureCost,
  ONE_HOST,
  openOn,
  recording,
  replay,
  reply,
  serve,
  synthetic,
  values,
} from './dpvs-fake.ts';

const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

describe('dpvs bounds what it costs', () => {
  it('services take turns when there are more than one reading may ask for', async () => {
    const { server, source } = await serve(cleanups, synthetic({ services: 5, realServers: 2, cores: 1 }), {
      servicesPerReading: 2,
    });
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
    const { server, source } = await serve(cleanups, synthetic({ services: 2, realServers: 1, cores: 2 }), settings, {
      clock: () => now,
    });
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

  it('readings that begin a little early, and end late, do not put off what is due', async () => {
    let now = 0;
    const settings = { tableInterval: '10s', detailInterval: '20s', perCore: 'services', perCoreInterval: '20s' };
    const { server, source } = await serve(
      cleanups,
      (request) => {
        now += 0.7; // each answer takes its time
        return synthetic({ services: 1, realServers: 1, cores: 1 })(request);
      },
      settings,
      { clock: () => now },
    );
    const asked: boolean[][] = [];
    for (const began of [0, 4999.2, 9998.9, 15_001, 19_999.3, 29_998.8, 39_998.2]) {
      now = began;
      server.requests.length = 0;
      await source.read();
      const has = (id: number) => server.requests.some((r) => r.readUInt32LE(4) === id);
      const perCore = server.requests.some((r) => r.readUInt32LE(4) === IDS.modern.DESTS && r[24 + 141] === 1);
      asked.push([has(IDS.modern.SERVICES), has(IDS.modern.LCORE_BASIC), perCore]);
    }
    assert.deepEqual(asked, [
      [true, true, true],
      [false, false, false],
      [true, false, false],
      [false, false, false],
      [true, true, true],
      [true, false, false],
      [true, true, true],
    ]);
  });

  it('100 services with 100 real servers on 8 cores: all in one reading', async (t) => {
    const cost = await measureCost({ services: 100, realServers: 100, cores: 8 });
    const percent = ((cost.readMs + cost.publishMs + cost.evidenceMs) / 10_000) * 100;
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
    const { server, source } = await serve(cleanups, answer, { tableInterval: '10s' }, { clock: () => now });
    const plan = { nics: [{ name: 'eth0', dataplane: 'dpdk0' }], services: [] } as unknown as Parameters<
      EvidenceJoin['facts']
    >[0];
    const join = new EvidenceJoin();
    const output = new Output();
    const read = async (t: number) => {
      now = t;
      server.requests.length = 0;
      const data = await dataOf(source.read());
      output.take((samples) => dpvs.publish(data, samples));
      assert.equal(values(output, 'service_connections_total')['dpvs 10.71.0.100:80/tcp'], 424);
      assert.equal(values(output, 'dpvs_port_up')['dpdk0'], dpvs.evidence!(data).ports![0]!.link);
      const { links } = join.facts(plan, 'dpvs', dpvs.evidence!(data), t);
      return [
        server.requests.some((r) => r.readUInt32LE(4) === IDS.modern.SERVICES),
        data.services.length,
        data.unread,
        links[0]!.link,
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
    const { source } = await serve(cleanups, disturbed('DESTS', [-13, -24, -24]));
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
    const { source } = await serve(cleanups, (request) => {
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
    const { source, server } = await serve(cleanups, (request) => {
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

  it('shows tables as they were when cores have different addresses at the moment (DPVS answers nothing)', async () => {
    const answer = replay(ONE_HOST);
    let disagree = true;
    const { source } = await serve(cleanups, (request) => {
      const id = request.readUInt32LE(4);
      return disagree && id === IDS.modern.IFADDRS ? reply(id, Buffer.alloc(0)) : answer(request);
    });
    await assert.rejects(source.read(), /IFADDRS: DPVS answers "nothing" \(-23\)/);
    disagree = false;
    assert.equal((await dataOf(source.read())).unread, 0);
    disagree = true;
    const { unread, addresses, tablesNew } = await dataOf(source.read());
    assert.deepEqual([unread, addresses.length, tablesNew], [6, 13, false]);
  });

  it('asks about hardware only where there is some, and takes a bond that tells nothing for a port', async () => {
    const answer = replay(ONE_HOST);
    const list = Buffer.from((answer(encodeRequest(IDS.modern.PORT_LIST, Buffer.alloc(0))) as Buffer).subarray(88));
    // Physical ports 0 to 1, bonds 1 to 2: dpdk1 is called a bond, and a third port is neither.
    for (const [i, n] of [3, 0, 1, 1, 2].entries()) list.writeUInt16LE(n, 2 * i);
    const vlan = Buffer.alloc(18);
    vlan.writeUInt16LE(2);
    vlan.write('dpdk1', 2);
    const ports = Buffer.concat([list, vlan]);
    const { server, source } = await serve(cleanups, (request) => {
      const id = request.readUInt32LE(4);
      if (id === IDS.modern.BOND_STATUS) return reply(id, Buffer.alloc(0), -1);
      return id === IDS.modern.PORT_LIST ? reply(id, ports) : answer(request);
    });
    const data = await dataOf(source.read());
    assert.deepEqual(
      data.ports.map((p) => [p.basic.name, p.device, p.bond]),
      [
        ['dpdk0', true, undefined],
        ['dpdk1', true, undefined],
        ['dpdk1', false, undefined],
      ],
    );
    const asked = (id: number) => server.requests.filter((r) => r.readUInt32LE(4) === id).length;
    assert.deepEqual([asked(IDS.modern.BOND_STATUS), asked(IDS.modern.PORT_EXT_INFO)], [1, 2]);
  });

  it('refuses what another worker counted than the one that was asked', async () => {
    const answer = replay(ONE_HOST);
    const { source } = await serve(
      cleanups,
      (request) => {
        const bytes = answer(request) as Buffer;
        if (request.readUInt32LE(4) !== IDS.modern.DESTS || request[24 + 141] !== 1) return bytes;
        const changed = Buffer.from(bytes);
        changed[88 + 140] = 3;
        return changed;
      },
      { perCore: 'services' },
    );
    await assert.rejects(source.read(), /DESTS of worker 1: those of lcore 3; expected 1/);
  });

  it('fails, saying why, when a worker keeps dropping', async () => {
    const { source } = await serve(cleanups, disturbed('LCORE_STATS', [-24, -24, -24, -24]));
    await assert.rejects(source.read(), /LCORE_STATS: DPVS answers "invalid parameter" \(-24\)/);
  });
});

describe('dpvs counts a neighbour once', () => {
  it('whatever number of cores knows it, as reachable when one of them reaches it', async () => {
    const answer = replay(ONE_HOST);
    const { source } = await serve(
      cleanups,
      (request) => {
        const bytes = answer(request) as Buffer;
        if (request.readUInt32LE(4) !== IDS.modern.NEIGHBOURS) return bytes;
        const body = bytes.subarray(88);
        const entries = body.subarray(4);
        // Core 2 knows the same, and its state of the first is "probe".
        const more = Buffer.from(entries);
        for (let at = 0; at < more.length; at += 52) more[at + 51] = 2;
        more.writeUInt32LE(3, 4);
        const count = Buffer.alloc(4);
        count.writeInt32LE(body.readInt32LE(0) * 2);
        return reply(IDS.modern.NEIGHBOURS, Buffer.concat([count, more, entries]));
      },
      { extra: ['neighbours'] },
    );
    const data = await dataOf(source.read());
    const output = new Output();
    output.take((samples) => dpvs.publish(data, samples));
    const counted = Object.values(values(output, 'dpvs_neighbours')).reduce((a, b) => a + b, 0);
    assert.equal(data.details.neighbours.length, 2 * counted);
    assert.deepEqual(
      Object.keys(values(output, 'dpvs_neighbours')).filter((labels) => labels.endsWith('probe')),
      [],
    );
  });
});

describe('dpvs tells what is the matter', () => {
  it('without a socket it is absent', async () => {
    const source = openOn('/nonexistent/dpvs.ipc');
    assert.deepEqual(await source.read(), {
      state: 'absent',
      reason:
        'there is no control socket /nonexistent/dpvs.ipc; DPVS is not here, or makes it elsewhere (dpvs -x): ' +
        'collectors.dpvs.socket',
    });
  });

  it('a socket left behind', async () => {
    const { server, source } = await serve(cleanups, synthetic({ services: 0, realServers: 0, cores: 1 }));
    assert.equal((await dataOf(source.read())).services.length, 0);
    // What a killed DPVS leaves: a socket that nobody listens on. Node would remove it by its name.
    const aside = `${server.path}.aside`;
    renameSync(server.path, aside);
    await server.stop();
    renameSync(aside, server.path);
    await assert.rejects(source.read(), /dpvs\.ipc PORT_LIST: nobody listens: DPVS has ended and left its socket behind/);
  });

  it('a server that is another one, and one that hangs', async () => {
    const { source } = await serve(cleanups, () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(10)));
    await assert.rejects(
      source.read(),
      /VERSION: head of the reply: version 0x50545448, id 825110831, type .*; expected version 0x10000/,
    );
    const hanging = await serve(cleanups, () => () => {}, { requestTimeout: '50ms' });
    await assert.rejects(hanging.source.read(), /VERSION: does not answer: another client holds it, or its master core hangs/);
  });

  it('a restart is seen by the new socket, and probed anew', async () => {
    const { server, source } = await serve(cleanups, replay(ONE_HOST));
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
