/** The ipvs collector on a real kernel: its counters are those of ipvsadm, to the unit. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ipvs as collector } from '../../../src/collect/ipvs.ts';
import { readOnce } from '../../../src/collect/once.ts';
import type { IpvsData } from '../../../src/collect/ipvs/merge.ts';
import { Ipvs } from '../../../src/act/ipvs/client.ts';
import { parseAttributes } from '../../../src/sys/netlink.ts';
import { get, ipvsadm, makeNetwork, RS, RS6, serveBoth, settled, table, VIP, VIP6, VIP_BY_HAND } from './net.ts';
import { peer } from './peer.ts';

async function collect(): Promise<IpvsData> {
  const reading = await readOnce(collector, { ipvsadm: 'ipvsadm', timeout: 30_000 }, {}, () => undefined);
  assert.equal(reading.state, 'data');
  return (reading as { data: unknown }).data as IpvsData;
}

/** The five numbers of each line of `ipvsadm -Ln --stats --exact`, by its last word before them. */
function counted(): Map<string, string> {
  const lines = ipvsadm('-Ln --stats --exact').split('\n').slice(3);
  let service = '';
  const numbers = new Map<string, string>();
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    if (words.length < 7) continue;
    const isServer = words[0] === '->';
    if (!isServer) service = words.slice(0, -5).join(' ');
    numbers.set(isServer ? `${service} ${words[1]}` : service, words.slice(-5).join(' '));
  }
  return numbers;
}

const five = (t: IpvsData['totals']) => [t.connections, t.inPackets, t.outPackets, t.inBytes, t.outBytes].join(' ');

describe('the ipvs collector beside ipvsadm', () => {
  before(async () => {
    makeNetwork();
    await Promise.all([serveBoth(), peer('rs1').tell('echo')]);
    table(
      `-A -t ${VIP}:80 -s rr`,
      `-a -t ${VIP}:80 -r ${RS.rs1}:80 -m -w 1`,
      `-a -t ${VIP}:80 -r ${RS.rs2}:80 -m -w 3`,
      `-A -t [${VIP6}]:80 -s mh -b mh-port,mh-fallback`,
      `-a -t [${VIP6}]:80 -r [${RS6.rs1}]:80 -m`,
      `-A -u ${VIP}:53 -s wrr --ops`,
      `-a -u ${VIP}:53 -r ${RS.rs1}:53 -m`,
      `-A -t ${VIP_BY_HAND}:443 -s wlc -p 300`,
      `-a -t ${VIP_BY_HAND}:443 -r ${RS.rs1}:443 -g -w 10 -x 1000 -y 500`,
      `-A -f 100 -s sh -b sh-fallback,sh-port`,
      `-a -f 100 -r ${RS.rs1}:0 -g -w 1`,
      `-A -f 6 -6 -s wlc`,
      `-a -f 6 -6 -r [${RS6.rs1}]:0 -g -w 1`,
    );
  });
  after(() => void ipvsadm('-C'));

  it('counts what was sent, and the same as ipvsadm, to the unit', async () => {
    assert.deepEqual(await get(9), ['rs1', 'rs1', 'rs1', 'rs1', 'rs2', 'rs2', 'rs2', 'rs2', 'rs2']);
    assert.deepEqual(await get(3, VIP6), ['rs1', 'rs1', 'rs1']);
    assert.deepEqual(await peer('cli').tell('ask', VIP, 2), ['q0', 'q1']);
    await settled();
    const { services, totals, cpus } = await collect();
    const numbers = counted();
    const seen = new Map<string, string>();
    for (const s of services) {
      const [, address = '', protocol = ''] = /^(.*)\/(tcp|udp)$/.exec(s.vip) ?? [];
      const mark = /^fwmark:(\d+)$/.exec(s.vip)?.[1];
      const name =
        mark === undefined ? `${protocol.toUpperCase()} ${address}` : `FWM ${mark}${s.service.endsWith('ipv6') ? ' IPv6' : ''}`;
      seen.set(name, five(s.traffic));
      for (const rs of s.realServers) seen.set(`${name} ${rs.realServer}`, five(rs.traffic));
    }
    assert.deepEqual(Object.fromEntries(seen), Object.fromEntries(numbers));
    assert.equal(seen.size, 13);
    const web = services.find((s) => s.vip === `${VIP}:80/tcp`);
    assert.equal(web?.traffic.connections, 9);
    assert.ok(Number(web?.traffic.outBytes) > 9 * 100, 'replies pass through the director');
    const summed = [...cpus.values()].reduce((sum, t) => sum + Number(t.inPackets), 0);
    assert.equal(summed, Number(totals.inPackets), 'the CPUs together have seen all packets');
  });

  it('gives the 64-bit numbers that netlink gives', async () => {
    const kernel = await Ipvs.open(AbortSignal.timeout(10_000));
    const service = await kernel.service(`${VIP}:80/tcp`, `${RS.rs1}:80`);
    kernel.close();
    const { services } = await collect();
    const web = services.find((s) => s.vip === `${VIP}:80/tcp`)!;
    const STATS64 = 12;
    for (const destination of service?.destinations ?? []) {
      const stats = parseAttributes(destination.attributes.get(STATS64)!);
      const rs = web.realServers.find((r) => r.realServer === destination.realServer);
      assert.equal([1, 2, 3, 4, 5].map((i) => stats.get(i)!.readBigUInt64LE(0)).join(' '), five(rs!.traffic));
    }
    assert.equal(service?.destinations.length, 2);
  });

  it('sees no replies of direct routing and tunnels, whose replies bypass the director', async () => {
    table(`-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r ${RS.rs1}:80 -g`, `-a -t ${VIP}:80 -r ${RS.rs2}:80 -i`);
    assert.deepEqual(await get(4), ['rs1', 'rs1', 'rs2', 'rs2']);
    await settled();
    const { services } = await collect();
    for (const rs of services[0]!.realServers) {
      assert.equal(rs.traffic.connections, 2, rs.realServer);
      assert.ok(Number(rs.traffic.inPackets) > 8, `requests of ${rs.realServer}`);
      assert.equal(rs.traffic.outPackets, 0, `replies of ${rs.realServer}`);
    }
  });

  it('does not take the rows of the CPUs for the totals after ipvsadm -Z, which zeroes only the latter', async () => {
    ipvsadm('-Z');
    const { totals, cpus } = await collect();
    assert.equal(totals.inPackets, 0);
    assert.ok([...cpus.values()].some((t) => Number(t.inPackets) > 0));
  });
});
