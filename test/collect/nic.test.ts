import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { FormatError } from '../../src/collect/format-error.ts';
import { EvidenceJoin } from '../../src/collect/join.ts';
import { nic } from '../../src/collect/nic.ts';
import { parseBonding } from '../../src/collect/nic/bonding.ts';
import { carriesTraffic, hasPartner, lacpState } from '../../src/collect/nic/lacp.ts';
import { parseSoftnet, SoftnetCount } from '../../src/collect/nic/softnet.ts';
import type { Plan } from '../../src/model/plan.ts';
import { recording, Tree } from './nic.tree.ts';

describe('bonds as Linux 6.1 shows them', () => {
  /** Recording → partner, then of each member: name, MII, LACP, whether it carries traffic. */
  const expected: Readonly<Record<string, readonly [boolean | undefined, ...string[]]>> = {
    lacp: [true, 'e0 up distributing true', 'e1 up distributing true'],
    'lacp-cut': [true, 'e0 down waiting false', 'e1 up distributing true'],
    'lacp-no-partner': [false, 'e2 up no_partner true', 'e3 up no_partner false'],
    'lacp-no-partner-churned': [false, 'e2 up no_partner true', 'e3 up no_partner false'],
    'lacp-two-switches': [true, 'e4 up other_aggregator false', 'e5 up distributing true'],
    'lacp-unprivileged': [undefined, 'e0 up undefined undefined', 'e1 up undefined undefined'],
    'active-backup': [undefined, 'e6 up undefined true', 'e7 up undefined false'],
    'active-backup-all-cut': [undefined, 'e6 down undefined false', 'e7 down undefined false'],
    'balance-rr-going-down': [undefined, 'e8 going_down undefined false', 'e9 up undefined true'],
    'no-members': [undefined],
  };
  for (const [name, [partner, ...members]] of Object.entries(expected)) {
    it(name, () => {
      const bond = parseBonding('bond0', recording(name));
      assert.equal(hasPartner(bond), partner);
      assert.deepEqual(
        bond.members.map((m) => `${m.name} ${m.mii} ${lacpState(bond, m)} ${carriesTraffic(bond, m)}`),
        members,
      );
    });
  }

  it('modes, link failures, aggregators, churn', () => {
    assert.equal(parseBonding('b', recording('lacp')).mode, '802.3ad');
    assert.equal(parseBonding('b', recording('balance-rr-going-down')).mode, 'balance-rr');
    assert.equal(parseBonding('b', recording('active-backup')).activeMember, 'e6');
    assert.deepEqual(
      parseBonding('b', recording('lacp-cut')).members.map((m) => m.linkFailures),
      [1, 0],
    );
    const { aggregator, members } = parseBonding('b', recording('lacp-no-partner-churned'));
    assert.deepEqual([aggregator, ...members.map((m) => [m.aggregator, m.churned])], [1, [1, true], [2, true]]);
  });

  it('a text that is none: file, line, what was found, what is expected', () => {
    const lacp = recording('lacp');
    const wrong = (from: string, to: string) => () => parseBonding('b', lacp.replace(from, to));
    assert.throws(
      wrong('IEEE 802.3ad', 'quantum'),
      /bonding\/b line 3: found "Bonding Mode: quantum.*"; expected one of the seven/,
    );
    assert.throws(
      wrong('MII Status: up\nSpeed', 'MII Status: odd\nSpeed'),
      /line \d+: found "MII Status: odd"; expected up, down/,
    );
    assert.throws(wrong('Slave Interface: e0', 'Slave Interface: ../../etc/passwd'), /expected a name/);
    assert.throws(() => parseBonding('b', ''), /line 1: found "nothing"; expected below it Bonding Mode/);
  });

  it('damaged in any way: read, or refused as a whole', () => {
    const lacp = recording('lacp');
    const at = fc.nat(lacp.length);
    fc.assert(
      fc.property(at, at, fc.string({ unit: 'binary', maxLength: 20 }), (from, to, text) => {
        try {
          parseBonding('b', lacp.slice(0, Math.min(from, to)) + text + lacp.slice(Math.max(from, to)));
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('softnet', () => {
  it('one row a CPU, numbered by the kernel or as they come', () => {
    assert.deepEqual(parseSoftnet(recording('softnet')), [
      { cpu: 0, processed: 0x90, dropped: 0, squeezed: 0 },
      { cpu: 1, processed: 0x97, dropped: 0, squeezed: 0 },
    ]);
    const old = 'ff 1 2 0 0 0 0 0 0 0 0\n01 3 4 0 0 0 0 0 0 0 0\n';
    assert.deepEqual(
      parseSoftnet(old).map((r) => [r.cpu, r.processed, r.dropped, r.squeezed]),
      [
        [0, 255, 1, 2],
        [1, 1, 3, 4],
      ],
    );
    assert.throws(() => parseSoftnet('00 00\n'), /softnet_stat line 1: found "00 00"; expected three or more hexadecimal/);
  });

  it('goes on where 32 bits come round', () => {
    const count = new SoftnetCount();
    const follow = (processed: number) => count.follow([{ cpu: 3, processed, dropped: 0, squeezed: 0 }])[0]!.processed;
    assert.deepEqual([0xffff_fff0, 0x10, 0x20, 0x10].map(follow), [2 ** 32 - 16, 2 ** 32 + 16, 2 ** 32 + 32, 2 ** 33 + 16]);
  });
});

describe('NICs in sysfs', () => {
  let tree: Tree;
  beforeEach(() => (tree = new Tree()));
  afterEach(() => tree.close());

  it('a VLAN on a bond: the NIC, what is below it, each once; not the other VLANs', async () => {
    tree.device('bond0.100', { ifindex: 9, lower: ['bond0'], attributes: { speed: '20000' }, count: '5' });
    tree.device('bond0', { ifindex: 8, lower: ['e0', 'e1'], attributes: { speed: '20000' } });
    tree.device('e0', { ifindex: 2, driver: 'ice', count: '18446744073709551615' });
    tree.device('e1', {
      ifindex: 3,
      driver: 'ice',
      attributes: { operstate: 'down', carrier: '0', speed: '-1', duplex: 'unknown' },
    });
    tree.bond('bond0', 'lacp-cut');
    // A device that cannot be read: touching it would fail the reading.
    tree.write('net/bond0.101/ifindex/not-a-file', '');
    tree.nics.push({ name: 'up1', device: 'bond0.100' });
    await tree.read();
    assert.deepEqual(tree.series('nic_info'), ['up1 bond0.100   1']);
    assert.deepEqual(tree.present('nic_operstate'), ['up1 up 1']);
    assert.deepEqual(tree.series('nic_speed_bytes_per_second'), ['up1 2500000000']);
    assert.deepEqual(tree.series('nic_queues'), ['up1 rx 1', 'up1 tx 2']);
    assert.deepEqual(tree.series('nic_rx_packets_total'), ['up1 5']);
    assert.deepEqual(tree.series('nic_member_info'), ['up1 bond0 stack  1', 'up1 e0 bond ice 1', 'up1 e1 bond ice 1']);
    assert.deepEqual(tree.present('nic_member_operstate'), ['up1 bond0 up 1', 'up1 e0 up 1', 'up1 e1 down 1']);
    assert.deepEqual(tree.series('nic_member_speed_bytes_per_second'), ['up1 bond0 2500000000', 'up1 e0 1250000000']);
    assert.deepEqual(tree.series('nic_member_rx_bytes_total'), ['up1 bond0 0', `up1 e0 ${2 ** 64}`, 'up1 e1 0']);
    assert.deepEqual(tree.series('nic_bond_info'), ['up1 bond0 802.3ad 1']);
    assert.deepEqual(tree.series('nic_bond_active_members'), ['up1 bond0 1']);
    assert.deepEqual(tree.present('nic_member_mii'), ['up1 e0 down 1', 'up1 e1 up 1']);
    assert.deepEqual(tree.present('nic_member_lacp'), ['up1 e0 waiting 1', 'up1 e1 distributing 1']);
    assert.deepEqual(tree.series('nic_member_link_failures_total'), ['up1 e0 1', 'up1 e1 0']);
    assert.deepEqual([...tree.output.dropped()], []);
    const listed = new Set(nic.metrics.map((m) => m.name));
    for (const f of tree.output.families()) assert.ok(listed.has(f.name), f.name);
  });

  it('LACP without privileges, from the files that everybody may read', async () => {
    tree.bond('bond0', 'lacp-unprivileged');
    tree.device('bond0', { ifindex: 8 });
    for (const [i, name] of ['e0', 'e1'].entries()) tree.device(name, { ifindex: i + 1, driver: 'ice' });
    tree.write('net/bond0/bonding/ad_aggregator', '1\n');
    tree.write('net/e0/bonding_slave/ad_actor_oper_port_state', '63\n');
    tree.write('net/e1/bonding_slave/ad_actor_oper_port_state', '79\n');
    tree.nics.push({ name: 'bond0', device: 'bond0' });
    await tree.read();
    assert.deepEqual(tree.present('nic_member_lacp'), ['bond0 e0 distributing 1', 'bond0 e1 no_partner 1']);
    assert.deepEqual(tree.series('nic_bond_lacp_partner'), ['bond0 bond0 1']);
  });

  it('a speed that is unknown or made up is left out, never zero', async () => {
    const odd: [name: string, driver: string | undefined, speed: string][] = [
      ['veth7', undefined, '10000'],
      ['dpdk0.kni', undefined, '10'],
      ['vhost0.kni', 'tun', '10'],
      ['ens3', 'virtio_net', '4000'],
      ['eth1', 'mlx5_core', '-1'],
      ['eth2', 'mlx5_core', '4294967295'],
      ['eth3', 'mlx5_core', '0'],
    ];
    for (const [i, [name, driver, speed]] of odd.entries()) {
      tree.device(name, { ifindex: i + 1, ...(driver === undefined ? {} : { driver }), attributes: { speed } });
      tree.nics.push({ name, device: name });
    }
    tree.device('eth4', { ifindex: 20, driver: 'mlx5_core', attributes: { speed: '100000', duplex: 'half' } });
    tree.nics.push({ name: 'eth4', device: 'eth4' });
    await tree.read();
    assert.deepEqual(tree.series('nic_speed_bytes_per_second'), ['eth4 12500000000']);
    assert.deepEqual(tree.present('nic_duplex').at(-1), 'eth4 half 1');
  });

  it('gone and made anew: absent meanwhile, counters never fall', async () => {
    tree.nics.push({ name: 'eth2', device: 'eth2' }, { name: 'eth3', device: 'eth3' });
    tree.device('eth3', { ifindex: 3, driver: 'ice', count: '7' });
    tree.device('eth2', { ifindex: 2, driver: 'ice', count: '100' });
    await tree.read();
    tree.device('eth2', { ifindex: 2, driver: 'ice', count: '30' });
    await tree.read();
    assert.deepEqual(tree.series('nic_tx_packets_total'), ['eth2 130', 'eth3 7'], 'a driver that resets on ifdown');
    tree.device('eth2', { ifindex: 4, driver: 'ice', count: '50' });
    await tree.read();
    assert.deepEqual(tree.series('nic_tx_packets_total'), ['eth2 180', 'eth3 7'], 'another device of that name');
    tree.remove('eth2');
    await tree.read();
    assert.deepEqual(tree.present('nic_operstate'), ['eth2 absent 1', 'eth3 up 1']);
    assert.deepEqual(tree.series('nic_tx_packets_total'), ['eth3 7']);
  });

  it('two NICs on one bond read it once, and each shows it', async () => {
    tree.bond('bond0', 'active-backup');
    tree.device('bond0', { ifindex: 8 });
    for (const [i, name] of ['e6', 'e7'].entries()) tree.device(name, { ifindex: i + 1, driver: 'ice' });
    for (const vlan of ['bond0.1', 'bond0.2']) {
      tree.device(vlan, { ifindex: 30, lower: ['bond0'] });
      tree.nics.push({ name: vlan, device: vlan });
    }
    await tree.read();
    assert.deepEqual(tree.present('nic_member_active'), ['bond0.1 e6 1', 'bond0.2 e6 1']);
  });

  it('devices stacked in a circle end', async () => {
    tree.device('a', { ifindex: 1, lower: ['b'] });
    tree.device('b', { ifindex: 2, lower: ['a'] });
    tree.nics.push({ name: 'a', device: 'a' });
    await tree.read();
    assert.deepEqual(tree.series('nic_member_info'), ['a b stack  1']);
  });

  it('rates for the judge from NICs that carry the traffic, not from the kernel end of a DPDK port', async () => {
    for (const [i, name] of ['eth2', 'dpdk0.kni', 'dpdk1.kni'].entries()) tree.device(name, { ifindex: i + 1, count: '1000' });
    tree.nics.push(
      { name: 'eth2', device: 'eth2' },
      { name: 'dpdk0', device: 'dpdk0.kni', dataplane: 'dpdk0' },
      { name: 'dpdk1', device: 'dpdk1.kni' },
      { name: 'eth9', device: 'eth9' },
    );
    const evidence = nic.evidence!(await tree.read());
    assert.deepEqual(evidence, { ports: [{ port: 'eth2', rxPackets: 1000, txPackets: 1000, epoch: 1 }] });
  });

  it('with connections of kernel LVS they are R11 facts', async () => {
    tree.nics.push({ name: 'up1', device: 'eth2' });
    const plan = {
      nics: [{ name: 'up1', device: 'eth2' }],
      services: [{ vip: '10.0.0.1:80/tcp', nics: [0] }],
    } as unknown as Plan;
    const join = new EvidenceJoin();
    const connections = (n: number) => ({
      connections: [{ vip: '10.0.0.1:80/tcp', key: 'r', connections: n, replies: n * 0.9 }],
    });
    for (const [t, count] of [
      [0, '1000'],
      [5000, '6000'],
    ] as const) {
      tree.device('eth2', { ifindex: 1, count });
      join.facts(plan, 'nic', nic.evidence!(await tree.read()), t);
    }
    join.facts(plan, 'ipvs', connections(0), 1000);
    assert.deepEqual(join.facts(plan, 'ipvs', connections(100), 6000).dataplane, [
      { kind: 'dataplane', measuredAt: 6000, nic: 0, rxPps: 1000, txPps: 1000, answeredRatio: 0.9, overMs: 5000 },
    ]);
  });

  it('absent without NICs, failed without sysfs, ended by the signal', async () => {
    const read = (signal = new AbortController().signal) => tree.source.read(signal);
    assert.equal((await read()).state, 'absent');
    tree.nics.push({ name: 'eth2', device: 'eth2' });
    const failed = await read();
    assert.deepEqual([failed.state, /is empty or missing: mount sysfs/.test(JSON.stringify(failed))], ['failed', true]);
    tree.device('eth2', { ifindex: 1 });
    await assert.rejects(read(AbortSignal.abort(new Error('time is up'))), /time is up|abort/);
  });
});
