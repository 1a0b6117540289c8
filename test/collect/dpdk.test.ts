import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { Collecting, FakeProcess, overload, runtimeDirectory } from './dpdk.fake.ts';

interface Latency {
  epoch: number;
  torn: number;
  hist: number[];
  sum_ns: number;
}
interface Usage {
  lcore_ids: number[];
  total_cycles: number[];
  busy_cycles: number[];
  loops: number[];
}

describe('dpdk', () => {
  let directory: ReturnType<typeof runtimeDirectory>;
  let processes: FakeProcess[] = [];
  let collecting: Collecting;
  const start = (prefix: string, recording: string, socket?: string) => {
    const process = new FakeProcess(directory.path, prefix, recording, socket);
    processes.push(process);
    return process;
  };
  const open = (settings: object = {}) => (collecting = new Collecting({ directories: [directory.path], ...settings }));
  /** Reads and expects data. */
  const read = async () => {
    const reading = await collecting.read();
    assert.equal(reading.state, 'data', 'reason' in reading ? reading.reason : '');
  };
  const failing = async () => {
    const reading = await collecting.read();
    assert.ok(reading.state === 'failed', reading.state);
    return reading.reason.replaceAll(directory.path, 'D');
  };

  beforeEach(() => {
    directory = runtimeDirectory();
    processes = [];
    open();
  });
  afterEach(async () => {
    await collecting.source.close();
    for (const p of processes) p.server.close();
    directory.remove();
  });

  for (const version of ['22.11', '25.11']) {
    it(`reads an application that keeps the contract, on DPDK ${version}`, async () => {
      const app = start('tdlb', `lcorelat-${version}`);
      await read();
      const value = (name: string, ...labels: string[]) => collecting.value(name, 'tdlb', ...labels);
      const latency = JSON.parse(app.answer('/tdlb/lcore/latency,2')) as { '/tdlb/lcore/latency': Record<string, number> };
      const { win_max_ns: longest = 0, hist, sum_ns: sum = 0 } = latency['/tdlb/lcore/latency'];
      assert.deepEqual(collecting.histogram('core_packet_latency_seconds', 'tdlb', '2'), [
        ...(hist as unknown as number[]),
        sum / 1e9,
      ]);
      assert.equal(value('core_packet_latency_window_max_seconds', '2'), longest / 1e9);
      const usage = (JSON.parse(app.answer('/tdlb/lcore/usage')) as { '/tdlb/lcore/usage': Usage })['/tdlb/lcore/usage'];
      assert.equal(value('core_loops_total', '1'), usage.loops[0]);
      assert.equal(value('core_cycles_total', '1', 'busy'), usage.busy_cycles[0]);
      assert.equal(value('core_cycles_total', '1', 'idle'), usage.total_cycles[0]! - usage.busy_cycles[0]!);
      assert.equal(value('core_stalled', '1'), undefined, 'one reading proves nothing');
      assert.equal(value('dpdk_port_up', 'net_null0'), 1);
      assert.equal(value('dpdk_port_speed_bytes_per_second', 'net_null0'), 1.25e9);
      assert.equal(value('dpdk_mempool_size', 'pkts'), 16_383);
      assert.equal(value('dpdk_mempool_available', 'pkts'), version === '25.11' ? 16_383 : undefined);
      assert.equal(value('dpdk_ring_capacity', 'tdlb_log'), version === '25.11' ? 1023 : undefined);
      assert.equal(value('dpdk_ring_capacity', 'MP_pkts'), undefined);
      assert.equal(value('dpdk_part_success', 'contract'), 1);
      assert.deepEqual(collecting.logged, []);
    });

    it(`reads what DPDK ${version} itself tells of an application without the contract`, async () => {
      start('rte', `testpmd-${version}`);
      await read();
      const value = (name: string, ...labels: string[]) => collecting.value(name, 'rte', ...labels);
      assert.equal(value('dpdk_up'), 1);
      for (const port of ['net_null0', 'net_null1', 'net_ring0', 'net_af_packet0']) assert.equal(value('dpdk_port_up', port), 1);
      assert.ok(value('dpdk_port_packets_total', 'net_null0', 'in')! > 1e6);
      assert.equal(value('core_cycles_total', '1', 'busy') !== undefined, version === '25.11');
      assert.equal(value('dpdk_part_success', 'contract'), undefined);
    });
  }

  it('of DPVS it reads only rings of lcores that exist, log and messages first, and all of them', async () => {
    const app = start('rte', 'dpvs-24.11');
    await read();
    const rings = app.asked.flatMap((request) => request.split('/ring/info,')[1] ?? []);
    const messages = ['msg_ring_0', 'msg_ring_1', 'msg_ring_2'];
    assert.deepEqual(rings, ['log_ring_w2', ...messages, 'neigh_ring_c1', 'arp_ring_c0', 'arp_ring_c1', 'arp_ring_c2']);
    assert.equal(collecting.value('dpdk_part_success', 'rte', 'rings'), 1);
    assert.equal(collecting.value('dpdk_ring_capacity', 'rte', 'msg_ring_1'), 4095);
  });

  it('a process that has ended and is started again is read at once, whatever the pause after the one before', async () => {
    const first = start('rte', 'testpmd-25.11');
    start('other', 'testpmd-22.11');
    first.reply = () => {};
    collecting.now += 1;
    await read();
    assert.equal(collecting.value('dpdk_up', 'rte'), 0);
    first.server.close();
    rmSync(`${directory.path}/rte`, { recursive: true });
    start('rte', 'testpmd-25.11');
    await read();
    assert.equal(collecting.value('dpdk_up', 'rte'), 1);
  });

  it('asks only what is on its list and what the process knows', async () => {
    const app = start('tdlb', 'testpmd-22.11');
    open({ xstats: ['*'] });
    await read();
    await read();
    const expected = ['/', '/ethdev/list', '/mempool/list', '/mempool/info,mb_pool_0'];
    for (const port of [0, 1, 2, 3])
      expected.push(...['info', 'stats', 'link_status', 'xstats'].map((c) => `/ethdev/${c},${port}`));
    assert.deepEqual([...new Set(app.asked)].sort(), expected.sort());
    assert.equal(app.asked.filter((q) => q === '/').length, 1, 'once per connection');
  });

  it('keeps 64-bit numbers exact', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    const put = (packets: string) =>
      app.answers.set(
        '/ethdev/stats,0',
        `{"/ethdev/stats":{"ipackets":${packets},"opackets":18446744073709551615,"ibytes":0,"obytes":0,` +
          '"imissed":0,"ierrors":0,"oerrors":0,"rx_nombuf":0}}',
      );
    put('9007199254740993');
    await read();
    const ports = () => collecting.evidence.ports?.find((p) => p.port === 'net_null0');
    assert.equal(ports()?.rxPackets, 9007199254740993n);
    assert.equal(ports()?.txPackets, 18446744073709551615n);
    put('9007199254740995');
    const before = collecting.value('dpdk_port_packets_total', 'tdlb', 'net_null0', 'in');
    await read();
    assert.equal(before, 9007199254740992, 'rounded at the text only');
    assert.equal(ports()?.rxPackets, 9007199254740995n);
  });

  it('shows a core that stopped at the second reading, and that it goes on', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    const loop = (core: number) =>
      app.change('/tdlb/lcore/usage', (u: Usage) => {
        u.loops[core] = u.loops[core]! + 1000;
        u.total_cycles[core] = u.total_cycles[core]! + 1_000_000;
        return u;
      });
    const stalled = () => ['1', '2'].map((core) => collecting.value('core_stalled', 'tdlb', core));
    await read();
    assert.deepEqual(stalled(), [undefined, undefined]);
    loop(0);
    await read();
    assert.deepEqual(stalled(), [0, 1]);
    loop(0);
    loop(1);
    await read();
    assert.deepEqual(stalled(), [0, 0]);
  });

  it('takes cycles for loops where only DPDK counts', async () => {
    const app = start('rte', 'testpmd-25.11');
    await read();
    await read();
    assert.equal(collecting.value('core_stalled', 'rte', '1'), 1);
    app.change('/eal/lcore/usage', (u: Usage) => ({
      ...u,
      total_cycles: [u.total_cycles[0]! + 5],
      busy_cycles: [u.busy_cycles[0]! + 9],
    }));
    const idle = collecting.value('core_cycles_total', 'rte', '1', 'idle');
    await read();
    assert.equal(collecting.value('core_stalled', 'rte', '1'), 0);
    assert.equal(collecting.value('core_cycles_total', 'rte', '1', 'idle'), idle, 'no restart because 4 cycles are missing');
  });

  it('follows a recorded overload', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    await read();
    const longest: number[] = [];
    for (const { request, response_raw: response } of overload()) {
      if (!app.answers.has(request)) continue;
      app.answers.set(request, response);
      await read();
      const latency = JSON.parse(app.answer('/tdlb/lcore/latency,1')) as { '/tdlb/lcore/latency': Latency };
      const { hist, sum_ns: sum } = latency['/tdlb/lcore/latency'];
      const shown = collecting.histogram('core_packet_latency_seconds', 'tdlb', '1')!;
      assert.deepEqual(shown.slice(0, -1), hist);
      assert.ok(Math.abs(shown.at(-1)! - sum / 1e9) < 1e-6);
      longest.push(collecting.value('core_packet_latency_window_max_seconds', 'tdlb', '1')!);
    }
    assert.ok(Math.max(...longest) > 0.04 && longest.at(-1)! < 0.04, longest.join());
  });

  it('asks again for torn numbers, and shows the last whole ones while there are no others', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    await read();
    const whole = collecting.histogram('core_packet_latency_seconds', 'tdlb', '1');
    app.change('/tdlb/lcore/latency,1', (l: Latency) => ({ ...l, torn: 1, hist: l.hist.map(() => 7), sum_ns: 1 }));
    const asked = app.asked.length;
    await read();
    assert.deepEqual(collecting.histogram('core_packet_latency_seconds', 'tdlb', '1'), whole);
    assert.equal(app.asked.slice(asked).filter((q) => q === '/tdlb/lcore/latency,1').length, 3);
  });

  it('counts on when the application has started anew', async () => {
    const app = start('tdlb', 'lcorelat-22.11');
    await read();
    const loops = collecting.value('core_loops_total', 'tdlb', '1')!;
    app.server.close();
    const again = start('tdlb', 'lcorelat-25.11');
    await read();
    const { loops: anew } = (JSON.parse(again.answer('/tdlb/lcore/usage')) as { '/tdlb/lcore/usage': Usage })[
      '/tdlb/lcore/usage'
    ];
    assert.equal(collecting.value('core_loops_total', 'tdlb', '1'), loops + anew[0]!);
    assert.equal(collecting.value('core_stalled', 'tdlb', '1'), undefined);
    assert.equal(collecting.value('dpdk_info', 'tdlb', 'DPDK 25.11.2', '9609', 'lcorelat'), 1);
    assert.deepEqual(collecting.logged, []);
  });

  it('counts nothing twice when one answer was wrong in between', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    await read();
    const counters = () => {
      const families = collecting.families.filter((f) => f.type !== 'gauge');
      return Object.fromEntries(families.map((f) => [f.name, [f.rows.map((r) => r.join()), Array.from(f.values, Number)]]));
    };
    const before = counters();
    for (const request of ['/tdlb/info', '/tdlb/lcore/usage', '/tdlb/lcore/latency,1', '/ethdev/stats,0', '/tdlb/lcore/list']) {
      const good = app.answer(request);
      app.answers.set(request, JSON.stringify({ [request.split(',')[0]!]: null }));
      await read();
      app.answers.set(request, good);
      await read();
      assert.deepEqual(counters(), before, request);
    }
  });

  it('reads several processes, of which some have ports of one name', async () => {
    start('one', 'lcorelat-25.11');
    start('one', 'lcorelat-25.11', 'dpdk_telemetry.v2:1');
    start('two', 'testpmd-25.11').change('/ethdev/link_status,3', () => ({ status: 'DOWN' }));
    await read();
    assert.deepEqual(
      ['one', 'one:1', 'two'].map((source) => collecting.value('dpdk_up', source)),
      [1, 1, 1],
    );
    const ports = new Map(collecting.evidence.ports?.map((p) => [p.port, p.link]));
    assert.equal(ports.get('net_af_packet0'), 0);
    assert.equal(ports.get('two/net_af_packet0'), 0);
    assert.equal(ports.get('net_null0'), undefined, 'whose?');
    assert.equal(ports.get('one:1/net_null0'), 1);
    assert.equal(collecting.value('dpdk_port_speed_bytes_per_second', 'two', 'net_af_packet0'), undefined);
    open({ sources: ['tw*'] });
    await read();
    assert.equal(collecting.value('dpdk_up', 'one'), undefined);
  });

  it('is absent without sockets, and failed when a directory is not readable or nobody listens', async () => {
    const reading = await collecting.read();
    assert.deepEqual(reading, { state: 'absent', reason: `no telemetry socket of a DPDK process in ${directory.path}` });
    mkdirSync(`${directory.path}/rte`);
    writeFileSync(`${directory.path}/rte/dpdk_telemetry.v2`, '');
    assert.equal(
      await failing(),
      'D/rte/dpdk_telemetry.v2: nobody listens: the application was killed or crashed; start it, or remove the file ' +
        '(connect: ECONNREFUSED)',
    );
  });

  it('shows which process is down while others answer, and says it once', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    start('rte', 'testpmd-25.11');
    await read();
    app.server.close();
    await read();
    await read();
    assert.equal(collecting.value('dpdk_up', 'tdlb'), 0);
    assert.equal(collecting.value('core_loops_total', 'tdlb', '1'), undefined);
    assert.equal(collecting.value('dpdk_up', 'rte'), 1);
    assert.equal(collecting.logged.length, 1);
    assert.match(collecting.logged[0]!, /^warn collector dpdk: .*tdlb.* nobody listens/);
    start('tdlb', 'lcorelat-25.11');
    await read();
    assert.equal(collecting.value('dpdk_up', 'tdlb'), 1);
    assert.equal(collecting.logged[1], 'info collector dpdk: answers again');
  });

  it('reads once more when the connection ends in the middle of a reading, and no more than that', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    let ends = 1;
    app.reply = (request, peer) => {
      if (request === '/ethdev/list' && ends-- > 0) peer.close();
      else peer.send(app.answer(request));
    };
    await read();
    assert.equal(collecting.value('dpdk_port_up', 'tdlb', 'net_null0'), 1);
    ends = 2;
    assert.match(await failing(), /^D\/tdlb.* \/ethdev\/list: closed the connection: it is ending or has ended/);
  });

  it('leaves out a part that is answered wrongly, says why, and keeps the others', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    const wrong: [request: string, part: string, edit: (value: never) => unknown, says: RegExp][] = [
      ['/tdlb/info', 'contract', (i: object) => ({ ...i, schema: 2 }), /schema is 2; only schema 1 is known/],
      [
        '/tdlb/info',
        'contract',
        (i: object) => ({ ...i, schema: 1, hist_le_ns: [2, 1] }),
        /hist_le_ns is \[2,1\]; bounds must rise/,
      ],
      ['/tdlb/lcore/latency,1', 'contract', (l: object) => ({ ...l, hist: [1, 2] }), /hist has 2 buckets for 24 bounds/],
      ['/tdlb/lcore/latency,1', 'contract', (l: object) => ({ ...l, lcore_id: 2 }), /lcore_id is 2/],
      ['/tdlb/lcore/usage', 'contract', (u: object) => ({ ...u, loops: [1] }), /every column must be as long/],
      ['/mempool/info,pkts', 'mempools', () => 'none', /mempool\/info,pkts: the answer is none/],
      ['/mempool/list', 'mempools', () => null, /mempool\/list: answered null: the application refuses/],
      ['/ethdev/stats,0', 'ports', (s: object) => ({ ...s, ipackets: -1 }), /ipackets is -1; expected an unsigned 64-bit/],
      ['/ethdev/link_status,0', 'ports', () => ({ status: 'MAYBE' }), /status is MAYBE/],
      ['/ring/list', 'rings', () => ['a,b'], /"a,b" can't be asked for/],
    ];
    for (const [request, part, edit, says] of wrong) {
      const good = app.answer(request);
      app.change(request, edit);
      await read();
      assert.equal(collecting.value('dpdk_part_success', 'tdlb', part), 0, request);
      assert.match(collecting.logged.findLast((l) => l.startsWith('warn'))!, says);
      app.answers.set(request, good);
      await read();
      assert.equal(collecting.value('dpdk_part_success', 'tdlb', part), 1, request);
    }
  });

  it('does not trust an answer that has reached the limit: DPDK leaves out what does not fit', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    const full = app.answer('/tdlb/test/big,512');
    assert.equal((JSON.parse(full) as Record<string, string[]>)['/tdlb/test/big']!.length, 125, '512 had been asked for');
    app.answers.set('/ring/list', full.replace('/tdlb/test/big', '/ring/list'));
    await read();
    assert.equal(collecting.value('dpdk_part_success', 'tdlb', 'rings'), 0);
    assert.match(collecting.logged[0]!, /rings: \/ring\/list: the answer has reached the size/);
  });

  it('property: whatever a server answers, a reading is data or failed, and a good server is read again after it', async () => {
    const app = start('tdlb', 'lcorelat-25.11');
    const good = [...app.answers.values()];
    const answer = fc.oneof(
      { weight: 6, arbitrary: fc.constant('its own') },
      fc.constantFrom('closes', '', 'null', '{}', '[]', '{"/tdlb/info":{}}', 'x'.repeat(70_000)),
      fc.constantFrom(...good),
      fc.tuple(fc.constantFrom(...good), fc.nat(), fc.string({ maxLength: 5 })).map(([text, at, put]) => {
        const place = at % text.length;
        return text.slice(0, place) + put + text.slice(place + 1);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 25 }), async (answers) => {
        app.reply = (request, peer) => {
          const next = answers.shift() ?? 'its own';
          if (next === 'closes') peer.close();
          else peer.send(next === 'its own' ? app.answer(request) : next);
        };
        const { state } = await collecting.read();
        assert.ok(state === 'data' || state === 'failed', state);
        app.reply = undefined;
        collecting.now += 60_000;
        await read();
        assert.equal(collecting.value('core_loops_total', 'tdlb', '1') !== undefined, true);
      }),
      { numRuns: 150 },
    );
  });

  it('takes only what the patterns name', async () => {
    start('tdlb', 'lcorelat-25.11');
    open({ xstats: ['rx_q*_packets', 'tx_good_bytes'], rings: ['MP_*'], mempools: ['*log*'] });
    await read();
    const names = (family: string) => collecting.families.find((f) => f.name === `fourlane_${family}`)?.rows.map((r) => r.at(-1));
    assert.deepEqual(names('dpdk_port_xstat'), ['tx_good_bytes', 'rx_q0_packets', 'rx_q1_packets']);
    assert.deepEqual(names('dpdk_ring_used') ?? [], [], 'recorded without answers for these');
    assert.deepEqual(names('dpdk_mempool_size'), ['tdlb_log_pool']);
  });
});
