import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Choice, chooseNics } from '../../src/init/nics.ts';
import { edge, seen, small, type SmallLink } from './machine.ts';

const NO_PORTS = { readings: [], gateways: [] };
type Commands = Readonly<Record<string, string>>;

async function choice(commands: Commands, targets: readonly string[]): Promise<Choice> {
  const { facts } = await seen({ commands });
  return chooseNics(facts.network, NO_PORTS, targets);
}
const names = ({ nics }: Choice) => nics.map(({ name }) => name);
const why = ({ others }: Choice, name: string) => others.find((other) => other.name === name)?.why ?? 'not listed';
const anchors = ({ nics }: Choice, name: string) => nics.find((nic) => nic.name === name)!.anchors.map(({ value }) => value);

describe('the NICs of a machine with a bond, VLANs and policy tables', () => {
  it('those that lead to real servers: by a good route, by a rule for the device, by one for an own address', async () => {
    const chosen = await choice(edge(), ['10.9.0.5', '10.200.0.50']);
    assert.deepEqual(names(chosen), ['bond0.100', 'bond0.200', 'eth1']);
    assert.match(why(chosen, 'eth0'), /no real server is reached by it/);
    assert.match(why(chosen, 'eth2'), /belongs to bond0/);
    const [, second, third] = chosen.nics;
    assert.equal(second!.source?.value, '10.200.0.10');
    assert.equal(third!.source, undefined);
  });

  it('what stands on one bond is one group; a NIC of its own has none', async () => {
    const { nics } = await choice(edge(), ['10.9.0.5', '10.200.0.50']);
    assert.deepEqual(
      nics.map(({ group }) => group?.value),
      ['bond0', 'bond0', undefined],
    );
  });

  it('gateways become anchors, link-local ones with their interface, each with the route it is from', async () => {
    const chosen = await choice(edge(), ['10.9.0.5', '10.200.0.50']);
    assert.deepEqual(anchors(chosen, 'bond0.100'), ['fe80::1%bond0.100', '10.100.0.1']);
    assert.deepEqual(anchors(chosen, 'bond0.200'), ['10.200.0.1']);
    assert.deepEqual(
      chosen.nics.map(({ anchors: [first] }) => first!.origin),
      [
        'ip route: default via fe80::1 dev bond0.100',
        'ip route: default via 10.200.0.1 dev bond0.200 table 200',
        'ip route: default via 198.51.100.1 dev eth1 table 101',
      ],
    );
  });

  it('without real servers: all that have an address and a route', async () => {
    assert.deepEqual(names(await choice(edge(), [])), ['bond0.100', 'bond0.200', 'eth0', 'eth1']);
  });

  it('an IPv6 real server: the NIC with a route to it', async () => {
    assert.deepEqual(names(await choice(edge(), ['2001:db8:5::1'])), ['bond0.100']);
  });
});

describe('the NICs of a small machine', () => {
  const uplink: SmallLink = { name: 'eth0', addresses: ['192.0.2.10/24'] };
  const docker: SmallLink = { name: 'docker0', kind: 'bridge', addresses: ['172.17.0.1/16'] };
  const plug: SmallLink = { name: 'veth7', kind: 'veth', master: 'docker0' };
  const routes = [
    ['default', 'eth0', '192.0.2.1'],
    ['192.0.2.0/24', 'eth0'],
    ['172.17.0.0/16', 'docker0'],
  ] as const;

  it('not those of containers, and they are said to be left out once, without their plugs', async () => {
    const chosen = await choice(small([uplink, docker, plug], routes), []);
    assert.deepEqual(names(chosen), ['eth0']);
    assert.deepEqual(
      chosen.others.map(({ name }) => name),
      ['docker0'],
    );
  });

  it('unless real servers are there alone', async () => {
    assert.deepEqual(names(await choice(small([uplink, docker], routes), ['172.17.0.5'])), ['docker0']);
    assert.deepEqual(names(await choice(small([uplink, docker], routes), ['172.17.0.5', '10.0.0.1'])), ['docker0', 'eth0']);
  });

  it("a container's own interface, when there is nothing better, before a bridge in it", async () => {
    const own: SmallLink = { ...uplink, kind: 'veth' };
    assert.deepEqual(names(await choice(small([own, docker], routes), [])), ['eth0']);
  });

  it('a bridge over a NIC of the machine is one of the machine', async () => {
    const links: SmallLink[] = [
      { name: 'eth0', master: 'br0' },
      { name: 'br0', kind: 'bridge', addresses: ['192.0.2.10/24'] },
      docker,
    ];
    const chosen = await choice(
      small(links, [
        ['192.0.2.0/24', 'br0'],
        ['172.17.0.0/16', 'docker0'],
      ]),
      [],
    );
    assert.deepEqual(names(chosen), ['br0']);
  });

  it('two default routes with metrics: the second is the way when the first fails, and is probed', async () => {
    const links: SmallLink[] = [uplink, { name: 'eth1', addresses: ['198.51.100.10/24'] }];
    const two = [...routes.slice(0, 2), ['default', 'eth1', '198.51.100.1'], ['198.51.100.0/24', 'eth1']] as const;
    assert.deepEqual(names(await choice(small(links, two), ['10.0.0.1'])), ['eth0', 'eth1']);
    // On the link of eth1 the default route of eth0 is none.
    assert.deepEqual(names(await choice(small(links, two), ['198.51.100.20'])), ['eth1']);
  });

  it('down, without address, without route: left out with the reason', async () => {
    const links: SmallLink[] = [
      uplink,
      { name: 'eth1', addresses: ['10.0.0.1/32'] },
      { name: 'eth2' },
      { ...docker, name: 'eth3', kind: 'bond', down: true },
    ];
    const chosen = await choice(small(links, routes.slice(0, 2)), []);
    assert.deepEqual(names(chosen), ['eth0']);
    assert.deepEqual(chosen.others, [
      { name: 'eth1', why: 'no route goes by it' },
      { name: 'eth2', why: 'it has no address' },
      { name: 'eth3', why: 'it is down' },
    ]);
  });

  it('at most 64', async () => {
    const links = Array.from({ length: 70 }, (_, i): SmallLink => ({ name: `eth${i}`, addresses: [`10.${i}.0.1/24`] }));
    const chosen = await choice(
      small(
        links,
        links.map(({ name }, i) => [`10.${i}.0.0/24`, name] as const),
      ),
      [],
    );
    assert.equal(chosen.nics.length, 64);
    assert.match(why(chosen, 'eth69'), /at most 64/);
  });
});
