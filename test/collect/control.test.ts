import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { control } from '../../src/collect/control.ts';
import { judgeIsolation, type Steering } from '../../src/collect/control/isolation.ts';
import { numbersOf } from '../../src/collect/control/numa.ts';
import { askQueues, decodeQueues, readTable } from '../../src/collect/control/queues.ts';
import { decodeRule, readRules, type Rule } from '../../src/collect/control/rules.ts';
import { EthtoolError, openEthtool } from '../../src/sys/ethtool.ts';
import { answered, driver, flow4, Machine, queues, recorded, rxnfc } from './control.machine.ts';

const [TCP4, TCP6, IP4, ETHER] = [1, 5, 13, 18];

describe('rules of a NIC', () => {
  it('protocol, whole addresses and ports, queue, location; what is compared in part is left out', () => {
    const both = flow4(TCP4, { source: '192.0.2.1', destination: '192.0.2.9', from: 179, to: 40_000 });
    assert.deepEqual(decodeRule(rxnfc({ location: 3, queue: 7n, ...both })), {
      location: 3,
      queue: 7,
      protocol: 'tcp',
      source: '192.0.2.1',
      destination: '192.0.2.9',
      sourcePort: 179,
      destinationPort: 40_000,
    });
    const net = flow4(IP4, { destination: '198.51.100.0' });
    net.mask[7] = 0;
    assert.deepEqual(decodeRule(rxnfc({ location: 0, queue: 2n, ...net })), { location: 0, queue: 2, protocol: 'ip' });
  });

  it('IPv6; a rule that drops; one with a table of its own; a queue of a virtual function; what is not of IP', () => {
    const value = Buffer.alloc(52);
    const mask = Buffer.alloc(52);
    Buffer.from('20010db8000000000000000000000001', 'hex').copy(value, 16);
    mask.fill(0xff, 16, 32);
    value.writeUInt16BE(179, 34);
    mask.fill(0xff, 34, 36);
    const six = { location: 1, type: TCP6, value, mask };
    const common = { location: 1, protocol: 'tcp', destination: '2001:db8::1', destinationPort: 179 } as const;
    assert.deepEqual(decodeRule(rxnfc({ ...six, queue: 5n })), { ...common, queue: 5 });
    assert.deepEqual(decodeRule(rxnfc({ ...six, queue: 0xffff_ffff_ffff_ffffn })), { ...common, queue: 'drop' });
    assert.deepEqual(decodeRule(rxnfc({ ...six, queue: 0x2_0000_0005n })), { ...common, queue: 5 });
    assert.deepEqual(decodeRule(rxnfc({ ...six, type: TCP6 + 0x2000_0000, queue: 5n })), { ...common, queue: 'table' });
    const ether = { location: 1, type: ETHER + 0x8000_0000, value, mask, queue: 5n };
    assert.deepEqual(decodeRule(rxnfc(ether)), { location: 1, queue: 5, protocol: 'other' });
  });

  it('all of a device; one that goes while they are read is left out; a driver without has none; no right is an error', () => {
    const made = [3, 9].map((location) => ({ location, queue: 7n, ...flow4(TCP4, { to: location }) }));
    const ask = driver(made);
    assert.deepEqual(
      readRules(ask, 'e')?.map((rule) => [rule.location, rule.destinationPort]),
      [
        [3, 3],
        [9, 9],
      ],
    );
    const going = readRules((device, command, into) => {
      if (command === 'GRXCLSRULE' && into.readUInt32LE(176) === 3) throw new EthtoolError(device, 'EINVAL');
      ask(device, command, into);
    }, 'e');
    assert.deepEqual(
      going?.map(({ location }) => location),
      [9],
    );
    assert.equal(readRules(driver(undefined), 'e'), undefined);
    const denied = () => {
      throw new EthtoolError('e', 'EPERM');
    };
    assert.throws(() => readRules(denied, 'e'), /ethtool e: the kernel answered EPERM/);
  });
});

describe('queues of a NIC', () => {
  it('a recorded answer of virtio: one queue, no table; a made one: table', () => {
    const virtio = { channels: answered('virtio-channels.hex'), rss: answered('virtio-rss.hex') };
    assert.deepEqual(decodeQueues(virtio), { count: 1, table: undefined });
    assert.deepEqual(decodeQueues(queues(8, [0, 1, 0, 1])), { count: 8, table: [0, 1, 0, 1] });
    assert.deepEqual(decodeQueues({ channels: undefined, rss: undefined }), { count: undefined, table: undefined });
  });

  it('the table by ioctl, where netlink has none', () => {
    assert.deepEqual(readTable(driver([], [0, 1, 2, 3]), 'e'), [0, 1, 2, 3]);
    assert.equal(readTable(driver([]), 'e'), undefined);
  });

  it('this kernel: the loopback device has neither queues nor rules, and a device that is not there has nothing', async () => {
    const [lo, none] = await askQueues(['lo', 'no-such-device'], AbortSignal.timeout(5000));
    assert.deepEqual([lo, none], Array(2).fill({ channels: undefined, rss: undefined }));
    const ethtool = openEthtool();
    try {
      assert.equal(readRules(ethtool.ask, 'lo'), undefined);
      assert.equal(readTable(ethtool.ask, 'lo'), undefined);
      assert.throws(
        () => ethtool.ask('no-such-device', 'GRXCLSRLCNT', Buffer.alloc(192)),
        (error) => error instanceof EthtoolError && error.code === 'ENODEV',
      );
    } finally {
      ethtool.close();
    }
  });
});

describe('whether control traffic is apart', () => {
  const wanted = { ports: [179, 3784], addresses: ['10.0.0.9'], peers: ['192.0.2.1'] };
  const bgp: Rule = { location: 0, queue: 7, protocol: 'tcp', destinationPort: 179 };
  const bfd: Rule = { location: 1, queue: 7, protocol: 'udp', destinationPort: 3784 };
  const eight = { count: 8, table: [0, 1, 2, 3, 4, 5, 6, 0] };
  const cases: readonly (readonly [why: string, read: Steering, state: string, queues?: readonly number[]])[] = [
    ['rules lead both to a queue that RSS leaves out', { ...eight, rules: [bgp, bfd] }, 'isolated', [7]],
    ['only BGP has a rule', { ...eight, rules: [bgp] }, 'partly', [7]],
    ['one of two queues is in the table', { ...eight, rules: [bgp, { ...bfd, queue: 3 }] }, 'partly', [3, 7]],
    ['RSS fills the queue too', { count: 8, table: [0, 7], rules: [bgp, bfd] }, 'steered', [7]],
    ['no table: nobody says that RSS leaves a queue out', { count: 8, table: undefined, rules: [bgp, bfd] }, 'steered', [7]],
    [
      'a rule for the address of the router',
      { ...eight, rules: [{ location: 0, queue: 7, protocol: 'ip', source: '192.0.2.1' }] },
      'isolated',
      [7],
    ],
    [
      'a rule for an own address',
      { ...eight, rules: [{ location: 0, queue: 7, protocol: 'ip', destination: '10.0.0.9' }] },
      'isolated',
      [7],
    ],
    [
      'a rule for a SNAT address',
      { ...eight, rules: [{ location: 0, queue: 7, protocol: 'ip', destination: '10.0.0.1' }] },
      'shared',
    ],
    [
      'a rule for another port of the router',
      { ...eight, rules: [{ ...bgp, destinationPort: 80, source: '192.0.2.1' }] },
      'shared',
    ],
    ['a rule that drops', { ...eight, rules: [{ ...bgp, queue: 'drop' }] }, 'shared'],
    ['a rule that compares nothing', { ...eight, rules: [{ location: 0, queue: 7, protocol: 'ip' }] }, 'shared'],
    ['a rule for something else than IP', { ...eight, rules: [{ location: 0, queue: 7, protocol: 'other' }] }, 'shared'],
    ['a driver without rules', { ...eight, rules: undefined }, 'shared'],
    ['one queue', { count: 1, table: undefined, rules: undefined }, 'one_queue'],
    ['a driver that says nothing', { count: undefined, table: undefined, rules: undefined }, 'unknown'],
  ];
  for (const [why, read, state, list = []] of cases)
    it(`${why}: ${state}`, () => assert.deepEqual(judgeIsolation(read, wanted), { state, queues: list }));
});

describe('the collector', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
    machine.plain();
  });
  afterEach(() => machine.close());

  it('a NIC whose control traffic has queue 3: state, shares of the table, rules', async () => {
    machine.nics.push({ name: 'up1', device: 'eth2' });
    machine.answers = [queues(4, [0, 1, 2, 0])];
    machine.ask = driver([
      { location: 1, queue: 3n, ...flow4(TCP4, { to: 179 }) },
      { location: 2, queue: 3n, ...flow4(2, { to: 3784 }) },
      { location: 3, queue: 0xffff_ffff_ffff_ffffn, ...flow4(TCP4, { to: 23 }) },
    ]);
    await machine.read();
    assert.deepEqual(machine.shown('control_path_state'), { 'kernel up1 isolated': 1 });
    assert.deepEqual(machine.shown('nic_rss_queue_share_ratio'), { 'up1 0': 0.5, 'up1 1': 0.25, 'up1 2': 0.25 });
    assert.deepEqual(machine.shown('nic_steering_rules'), { 'up1 3': 2, 'up1 drop': 1 });
  });

  it('a bond: the hardware of its members is asked, and the worst of them holds for the NIC', async () => {
    machine.nics.push({ name: 'up1', device: 'bond0' });
    for (const device of ['e0', 'e1']) {
      machine.write(`net/bond0/lower_${device}/x`, '');
      machine.write(`net/${device}/device/vendor`, '0x8086\n');
    }
    machine.answers = [queues(2, [0, 0]), queues(2, [0, 1])];
    machine.ask = (device, ...rest) =>
      driver([179, 3784].map((to, location) => ({ location, queue: 1n, ...flow4(1 + location, { to }) })))(device, ...rest);
    const data = await machine.read();
    const { data: devices } = data.get('steering') as { data: { device: string; state: string }[] };
    assert.deepEqual(
      devices.map(({ device, state }) => [device, state]),
      [
        ['e0', 'isolated'],
        ['e1', 'steered'],
      ],
    );
    assert.deepEqual(machine.shown('control_path_state'), { 'kernel up1 steered': 1 });
    assert.deepEqual(machine.shown('nic_rss_queue_share_ratio'), { 'up1 0': 0.75, 'up1 1': 0.25 });
    assert.deepEqual(machine.shown('nic_steering_rules'), { 'up1 1': 4 });
  });

  it("drops at the kernel's end of a DPDK port, which has no queues to look at", async () => {
    machine.nics.push({ name: 'up1', device: 'dpdk0.kni', dataplane: 'dpdk0' });
    for (const [file, text] of Object.entries({ ifindex: '7', 'statistics/rx_dropped': '5', 'statistics/tx_dropped': '9' }))
      machine.write(`net/dpdk0.kni/${file}`, `${text}\n`);
    const data = await machine.read();
    assert.deepEqual(machine.shown('control_path_dropped_total'), { 'kernel kni_up up1': 5, 'kernel kni_down up1': 9 });
    assert.deepEqual(data.get('steering'), { state: 'absent', reason: 'the kernel drives none of the NICs' });
  });

  it("recorded sockets of FRR's bfdd: drops by port, over sockets; a new socket does not take back", async () => {
    machine.nics.push({ name: 'up1', device: 'eth2' });
    machine.settings.ports = [179, 3784, 4784];
    const text = recorded('udp.txt');
    machine.write('proc/net/udp', text.replace('0000000032fc26b0 0 ', '0000000032fc26b0 6 '));
    machine.write('proc/net/udp6', text.replace('768508', '768510').replace('0000000032fc26b0 0 ', '0000000032fc26b0 2 '));
    await machine.read();
    assert.deepEqual(machine.shown('control_path_dropped_total'), { 'kernel socket 3784': 8 });
    machine.write('proc/net/udp', text.replace('768508', '9').replace('0000000032fc26b0 0 ', '0000000032fc26b0 1 '));
    machine.write('proc/net/udp6', '');
    await machine.read();
    assert.deepEqual(machine.shown('control_path_dropped_total'), { 'kernel socket 3784': 9 });
  });

  it('NUMA: interrupts on CPUs of another node, through a VLAN; a node without memory; one node only', async () => {
    machine.nics.push({ name: 'up1', device: 'eth2.7' }, { name: 'up2', device: 'eth3' }, { name: 'up3', device: 'veth0' });
    machine.write('nodes/node0/cpulist', '0-3,8\n');
    machine.write('nodes/node0/meminfo', 'Node 0 MemTotal:       65536 kB\n');
    const absent = await machine.read();
    assert.match(JSON.stringify(absent.get('numa')), /shows 1 node: nothing can be misplaced/);
    machine.write('nodes/node1/cpulist', '4-7\n');
    machine.write('nodes/node1/meminfo', 'Node 1 MemTotal:       0 kB\n');
    machine.write('net/eth2.7/lower_eth2/x', '');
    machine.write('net/veth0/ifindex', '9\n');
    for (const [device, node] of [
      ['eth2', 0],
      ['eth3', 1],
    ] as const) {
      machine.write(`net/${device}/device/numa_node`, `${node}\n`);
      for (const irq of [40, 41, 42]) machine.write(`net/${device}/device/msi_irqs/${irq}`, 'msix\n');
    }
    for (const [irq, cpus] of Object.entries({ 40: '2', 41: '4-5', 42: '3,6' }))
      machine.write(`proc/irq/${irq}/effective_affinity_list`, `${cpus}\n`);
    await machine.read();
    assert.deepEqual(machine.shown('numa_misplaced'), {
      'kernel up1 interrupts': 1,
      'kernel up2 interrupts': 1,
      'kernel up2 memory': 1,
    });
    assert.deepEqual(machine.shown('nic_numa_node'), { up2: 1 });
    assert.deepEqual([numbersOf('0-3,8'), numbersOf(''), numbersOf('x')], [[0, 1, 2, 3, 8], [], []]);
  });

  it('a part that fails leaves the others: netlink without an answer, a machine without /proc/net/udp', async () => {
    machine.nics.push({ name: 'up1', device: 'eth2' }, { name: 'up2', device: 'dpdk0.kni' });
    machine.answers = new Error('the kernel answered EPERM');
    machine.write('net/dpdk0.kni/ifindex', '7\n');
    machine.write('net/dpdk0.kni/statistics/rx_dropped', '1\n');
    machine.write('net/dpdk0.kni/statistics/tx_dropped', '0\n');
    const data = await machine.read();
    assert.deepEqual(data.get('steering'), { state: 'failed', reason: 'the kernel answered EPERM' });
    assert.deepEqual(machine.shown('control_part_state'), {
      'steering failed': 1,
      'kernel_end data': 1,
      'sockets absent': 1,
      'numa absent': 1,
    });
  });

  it('without NICs it is absent', async () => {
    const source = control.open({ ports: [179], addresses: [] }, { nics: () => [], edge: () => ({}) } as never);
    assert.match(JSON.stringify(await source.read(new AbortController().signal)), /"absent","reason":"no NIC is configured/);
  });
});
