import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionEvidence } from '../../src/collect/collector.ts';
import { EvidenceJoin } from '../../src/collect/join.ts';
import type { Nic, Service } from '../../src/model/plan.ts';

const nic = (name: string, dataplane?: string): Nic => ({
  name,
  device: name,
  group: name,
  anchors: [],
  onFail: [],
  ...(dataplane === undefined ? {} : { dataplane }),
});
const service = (vip: string, nics: number[]): Service => ({
  name: vip,
  vip,
  nics,
  panic: 0.5,
  realServers: [],
  actuator: { type: 'none' },
});
const WEB = '10.0.0.1:80/tcp';
const plan = {
  nics: [nic('eth0', 'dpdk0'), nic('eth1', 'dpdk1'), nic('eth2')],
  services: [service(WEB, [0, 1]), service('fwmark:7', [2])],
};
const seen = (connections: number, replies: number, more: Partial<ConnectionEvidence> = {}): ConnectionEvidence => ({
  vip: WEB,
  key: 'a',
  port: 'dpdk0',
  connections,
  replies,
  ...more,
});

describe('evidence joined with the plan', () => {
  it('gives the link of a port to the NIC in front of it, at once', () => {
    const { links, dataplane } = new EvidenceJoin().facts(
      plan,
      'dpvs',
      {
        ports: [
          { port: 'dpdk1', link: 0, rxPackets: 0, txPackets: 0 },
          { port: 'eth2', link: 0, rxPackets: 0, txPackets: 0 },
          { port: 'dpdk9', link: 0, rxPackets: 0, txPackets: 0 },
        ],
      },
      1000,
    );
    assert.deepEqual(links, [{ nic: 1, link: 0 }], 'the kernel says itself what eth2 is');
    assert.deepEqual(dataplane, []);
  });

  it('makes rates and the answered share from two readings', () => {
    const join = new EvidenceJoin();
    const read = (t: number, packets: number, connections: ConnectionEvidence[]) =>
      join.facts(plan, 'dpvs', { ports: [{ port: 'dpdk0', rxPackets: packets, txPackets: packets / 2 }], connections }, t)
        .dataplane;
    read(0, 1000, [seen(100, 500), seen(50, 60, { key: 'b' })]);
    assert.deepEqual(read(2000, 5000, [seen(140, 900), seen(90, 70, { key: 'b' })]), [
      { kind: 'dataplane', measuredAt: 2000, nic: 0, rxPps: 2000, txPps: 1000, answeredRatio: 50 / 80, overMs: 2000 },
    ]);
    assert.deepEqual(read(4000, 4000, [seen(150, 1000), seen(100, 80, { key: 'b' })]), [], 'the port began anew: no rate');
    assert.deepEqual(read(6000, 5000, [seen(155, 1100)]), [], 'five connections say nothing');
  });

  it('takes rates from the collector that has them, and the NIC from the service when the port is not known', () => {
    const join = new EvidenceJoin();
    const { port: _, ...portless } = seen(0, 0, { vip: 'fwmark:7' });
    for (const t of [0, 1000]) {
      join.facts(plan, 'nic', { ports: [{ port: 'eth2', rxPackets: t, txPackets: t }] }, t);
      const { dataplane } = join.facts(plan, 'ipvs', { connections: [{ ...portless, connections: t, replies: t / 4 }] }, t);
      const fact = { kind: 'dataplane', measuredAt: t, nic: 2, rxPps: 1000, txPps: 1000, answeredRatio: 0.25, overMs: 1000 };
      if (t > 0) assert.deepEqual(dataplane, [fact]);
    }
    const both = seen(0, 0, { port: 'dpdk7' });
    join.facts(plan, 'x', { connections: [both] }, 0);
    assert.deepEqual(
      join.facts(plan, 'x', { connections: [{ ...both, connections: 100 }] }, 1000).dataplane,
      [],
      'on two NICs: whose?',
    );
  });
});
