import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { FormatError } from '../../src/collect/format-error.ts';
import { ipvs } from '../../src/collect/ipvs.ts';
import { hexHostPort, hostPort } from '../../src/collect/ipvs/address.ts';
import { parseCounters } from '../../src/collect/ipvs/listing.ts';
import { mergeServices } from '../../src/collect/ipvs/merge.ts';
import { parsePerCpu, parseTable, parseTotals } from '../../src/collect/ipvs/proc.ts';
import { Output } from '../../src/collect/output.ts';
import { recorded, recording } from './ipvs.recorded.ts';

const text = (name: string) => recording(name).toString('latin1');

/** Lines of `ipvsadm -ln` under each service: address, forwarding method, weight, active, inactive. */
function printed(): Map<string, string[]> {
  const services = new Map<string, string[]>();
  let now: string[] = [];
  for (const line of text('ipvsadm_ln.txt').split('\n').slice(3)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '->') now.push(words.slice(1).join(' '));
    else if (line !== '') {
      const [protocol = '', address = '', family] = words;
      const name =
        protocol === 'FWM' ? `fwmark:${address}${family === 'IPv6' ? '/ipv6' : ''}` : `${address}/${protocol.toLowerCase()}`;
      services.set(name, (now = []));
    }
  }
  return services;
}

describe('ipvs', () => {
  it('reads the table as ipvsadm prints it: services, addresses, forwarding methods, weights, connections', () => {
    const read = new Map(
      recorded().services.map((s) => [
        s.service,
        s.realServers.map((r) => [r.realServer, r.state?.forward, r.state?.weight, r.state?.active, r.state?.inactive].join(' ')),
      ]),
    );
    assert.deepEqual(read, printed());
    assert.equal(read.size, 7);
  });

  it('reads counters, totals, CPUs, settings and sync daemons', () => {
    const { services, totals, cpus, daemons } = recorded();
    const web = services[0]!;
    assert.deepEqual(web.traffic, { connections: 8, inPackets: 47, outPackets: 33, inBytes: 3092, outBytes: 6100 });
    assert.deepEqual(web.realServers[1]!.traffic, {
      connections: 4,
      inPackets: 23,
      outPackets: 17,
      inBytes: 1520,
      outBytes: 3076,
    });
    assert.deepEqual(totals, { connections: 0xf, inPackets: 0x42, outPackets: 0x2b, inBytes: 0x1203, outBytes: 0x1f1c });
    assert.deepEqual([...cpus.keys()], ['0', '1']);
    assert.equal(cpus.get('1')!.outBytes, 0x121c);
    assert.deepEqual(
      services.filter((s) => s.persistent || s.onePacket).map((s) => [s.service, s.scheduler, s.persistent, s.onePacket]),
      [
        ['192.0.2.10:443/tcp', 'wlc', true, false],
        ['192.0.2.10:53/udp', 'wrr', false, true],
        ['fwmark:100', 'sh', true, false],
      ],
    );
    assert.deepEqual(daemons, [
      { role: 'master', interface: 'd0', syncId: 5 },
      { role: 'backup', interface: 'd0', syncId: 5 },
    ]);
  });

  it('takes CPUs from their rows and totals from their own file: ipvsadm -Z zeroes only the latter', () => {
    const after = text('after-zero-and-edit-errors.txt');
    const from = after.indexOf('       Total Incoming');
    assert.equal(parsePerCpu(after.slice(from)).get('0')!.connections, 7);
    assert.equal(parseTotals(after.slice(after.indexOf('   Total Incoming'))).connections, 0);
  });

  it('tells fwmarks of both families with one number apart by their real servers, else not at all', () => {
    const zero = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
    const counted = (ipv6: boolean, ...rs: string[]) => ({
      key: 'FWM 6',
      ipv6,
      traffic: zero,
      realServers: rs.map((realServer) => ({ realServer, traffic: zero })),
    });
    const entry = (weight: number, ...rs: string[]) => ({
      key: 'FWM 6',
      scheduler: 'rr',
      persistent: false,
      onePacket: false,
      realServers: rs.map((realServer) => ({ realServer, forward: 'Route' as const, weight, active: 0, inactive: 0 })),
    });
    const weights = (...[a, b]: Parameters<typeof mergeServices>) =>
      mergeServices(a, b).map((s) => [s.service, s.vip, s.realServers[0]!.state?.weight]);
    const v4 = '10.0.0.1:0';
    const v6 = '[fd01::2]:0';
    assert.deepEqual(weights([counted(true, v6), counted(false, v4)], [entry(4, v4), entry(6, v6)]), [
      ['fwmark:6/ipv6', 'fwmark:6', 6],
      ['fwmark:6', 'fwmark:6', 4],
    ]);
    assert.deepEqual(
      weights([counted(true, v4), counted(false, v4)], [entry(4, v4), entry(6, v4)]).map((w) => w[2]),
      [undefined, undefined],
    );
  });

  it('exports each series once, and evidence only where replies pass', () => {
    const output = new Output();
    output.take((samples) => ipvs.publish(recorded(), samples));
    assert.deepEqual([...output.dropped()], []);
    const listed = new Set(ipvs.metrics.map((m) => m.name));
    for (const f of output.families()) assert.ok(listed.has(f.name), f.name);
    const { connections = [] } = ipvs.evidence!(recorded());
    assert.deepEqual(
      [...new Set(connections.map((c) => c.vip))],
      ['192.0.2.10:80/tcp', '192.0.2.10:3868/sctp', '[2001:db8::10]:80/tcp'],
    );
  });

  it('reads 10 000 real servers', () => {
    const big = (name: string) => gunzipSync(recording(name)).toString('latin1');
    const counted = parseCounters(big('ipvsadm_Ln_stats_exact_10000rs.txt.gz'));
    const services = mergeServices(counted, parseTable(big('proc_ip_vs_10000rs.txt.gz')));
    assert.equal(services.length, 100);
    assert.equal(
      services.flatMap((s) => s.realServers).filter((r) => r.state !== undefined && r.state.weight > 0).length,
      10_000,
    );
  });

  it('keeps 64-bit counters exact', () => {
    const line = 'TCP  192.0.2.10:80   18446744073709551615 9007199254740993 0 0 0';
    const [service] = parseCounters(`IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Conns\n\n${line}\n`);
    assert.equal(service!.traffic.connections, 18446744073709551615n);
    assert.equal(service!.traffic.inPackets, 9007199254740993n);
  });

  it('names file, line, what was found and what is expected', () => {
    assert.throws(() => parseTable('nonsense'), /\/proc\/net\/ip_vs line 1: found "nonsense"; expected IP Virtual Server/);
    assert.throws(() => parseTable(`${text('proc_ip_vs.txt')}TCP  ZZ rr\n`), /line 24: found "TCP {2}ZZ rr"; expected protocol/);
    assert.throws(() => parseTotals(''), /ip_vs_stats line 3: found ""; expected five hexadecimal/);
    assert.throws(() => parsePerCpu('a\nb\n'), /percpu line 3/);
  });

  it('refuses addresses that are none', () => {
    for (const bad of ['', ':', '1.2.3:80', '1.2.3.4:70000', '[::1:80', '[fe80::1%eth0]:80', '1.2.3.4']) {
      assert.equal(hostPort(bad), undefined, bad);
    }
    for (const bad of ['', 'C000020A', '[::g]:0050', 'C000020:0050']) assert.equal(hexHostPort(bad), undefined, bad);
  });

  it('property: damaged texts give an error of the right kind or a result, never anything else', () => {
    const files = [
      ['proc_ip_vs.txt', parseTable],
      ['ipvsadm_Ln_stats_exact.txt', parseCounters],
      ['proc_ip_vs_stats.txt', parseTotals],
      ['proc_ip_vs_stats_percpu.txt', parsePerCpu],
    ] as const;
    for (const [name, parse] of files) {
      const whole = text(name);
      const place = fc.nat({ max: whole.length });
      fc.assert(
        fc.property(place, fc.nat({ max: 20 }), fc.string({ maxLength: 8 }), (at, cut, put) => {
          try {
            parse(whole.slice(0, at) + put + whole.slice(at + cut));
          } catch (error) {
            assert.ok(error instanceof FormatError, String(error));
          }
        }),
        { numRuns: 500 },
      );
    }
  });
});
