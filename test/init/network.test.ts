import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bitsOf, type Network, type Packet, type Route, type Rule, Ways } from '../../src/init/network.ts';
import { network as source } from '../../src/init/sources/network.ts';
import { edge, looking } from './machine.ts';

const rule = (priority: number, table: string, more: Partial<Rule> = {}): Rule => ({
  family: 4,
  priority,
  from: 'all',
  to: 'all',
  oif: undefined,
  table,
  suppress: undefined,
  isSpecial: false,
  ...more,
});
const route = (to: string, devices: readonly string[], more: Partial<Route> = {}): Route => ({
  family: 4,
  table: 'main',
  to,
  metric: 0,
  isRefusal: false,
  isThrow: false,
  hops: devices.map((device) => ({ device, gateway: undefined })),
  ...more,
});
const MAIN = rule(32_766, 'main');
/** Where a packet goes, as text. */
function way(network: Omit<Network, 'links'>, ip: string, packet: Packet = {}): string {
  const found = new Ways({ links: [], ...network }).to(ip, packet);
  const { route: by, isPolicy } = found ?? {};
  return by === undefined
    ? 'none'
    : `${by.to} ${by.table} ${by.hops.map((hop) => hop.device).join('+')}${isPolicy ? ' policy' : ''}`;
}

describe('the bits of an address', () => {
  it('IPv4, IPv6 in every form', () => {
    assert.equal(bitsOf('10.0.0.1'), 0x0a000001n);
    assert.equal(bitsOf('::1'), 1n);
    assert.equal(bitsOf('fd00::'), 0xfdn << 120n);
    assert.equal(bitsOf('2001:db8:1:2:3:4:5:6'), 0x20010db8000100020003000400050006n);
    assert.equal(bitsOf('::ffff:192.0.2.1'), 0xffffc0000201n);
  });
});

describe('a way', () => {
  it('is the longest prefix, then the lowest metric', () => {
    const routes = [
      route('default', ['a']),
      route('10.0.0.0/8', ['b'], { metric: 20 }),
      route('10.0.0.0/8', ['c'], { metric: 10 }),
    ];
    assert.equal(way({ rules: [MAIN], routes }, '10.1.2.3'), '10.0.0.0/8 main c');
    assert.equal(way({ rules: [MAIN], routes }, '11.1.2.3'), 'default main a');
    assert.equal(way({ rules: [MAIN], routes: routes.slice(1) }, '11.1.2.3'), 'none');
  });

  it('by a device is the longest prefix that goes by it, one way of several too', () => {
    const routes = [route('default', ['a', 'b']), route('10.0.0.0/8', ['b'])];
    assert.equal(way({ rules: [MAIN], routes }, '10.1.2.3', { device: 'a' }), 'default main a+b');
    assert.equal(way({ rules: [MAIN], routes }, '10.1.2.3', { device: 'b' }), '10.0.0.0/8 main b');
    assert.equal(way({ rules: [MAIN], routes }, '10.1.2.3', { device: 'c' }), 'none');
  });

  it('ends at what is unreachable, also for a device; what is thrown goes on', () => {
    const refused = [route('default', ['a']), route('10.0.0.0/8', [], { isRefusal: true })];
    assert.equal(way({ rules: [MAIN], routes: refused }, '10.1.2.3', { device: 'a' }), 'none');
    const thrown = [route('10.0.0.0/8', [], { isThrow: true, table: '7' }), route('default', ['a'])];
    assert.equal(way({ rules: [rule(1, '7'), MAIN], routes: thrown }, '10.1.2.3'), 'default main a');
  });

  it('by rules for a device, a source, a destination, in their order; special ones are for other packets', () => {
    const routes = ['1', '2', '3', '4'].map((table) => route('default', ['a'], { table }));
    const rules = [
      rule(4, '4', { isSpecial: true }),
      rule(30, '3', { to: '10.0.0.0/8' }),
      rule(20, '2', { from: '192.0.2.7' }),
      rule(10, '1', { oif: 'a' }),
    ];
    assert.equal(way({ rules, routes }, '10.1.2.3', { device: 'a', from: '192.0.2.7' }), 'default 1 a policy');
    assert.equal(way({ rules, routes }, '10.1.2.3', { from: '192.0.2.7' }), 'default 2 a policy');
    assert.equal(way({ rules, routes }, '10.1.2.3', { from: '192.0.2.8' }), 'default 3 a');
    assert.equal(way({ rules, routes }, '11.1.2.3'), 'none');
  });

  it('passes over prefixes that a rule suppresses', () => {
    const routes = [route('default', ['a']), route('10.0.0.0/8', ['b']), route('default', ['c'], { table: '9' })];
    const rules = [rule(1, 'main', { suppress: 0 }), rule(2, '9')];
    assert.equal(way({ rules, routes }, '10.1.2.3'), '10.0.0.0/8 main b');
    assert.equal(way({ rules, routes }, '11.1.2.3'), 'default 9 c');
  });
});

describe('the source network', () => {
  it('reads links, addresses, rules and routes of both families', async () => {
    const { facts, text, outcome } = await source.look(looking({ commands: edge() }));
    assert.deepEqual([outcome, text], ['found', 'ip link, address, rule, route; interfaces besides lo: 7']);
    const { links, rules, routes } = facts!.network!;
    const vlan = links.find(({ name }) => name === 'bond0.100')!;
    assert.deepEqual([vlan.kind, vlan.below, vlan.detail], ['vlan', 'bond0', '100']);
    assert.deepEqual(
      vlan.addresses.map(({ family, ip, prefix }) => `${family} ${ip}/${prefix}`),
      ['4 10.100.0.10/24', '6 2001:db8:100::10/64'],
    );
    const bond = links.find(({ name }) => name === 'bond0')!;
    assert.deepEqual([bond.kind, bond.detail], ['bond', 'active-backup']);
    assert.equal(links.find(({ name }) => name === 'eth2')!.master, 'bond0');
    const ways = new Ways({ links, rules, routes });
    assert.equal(ways.to('203.0.113.1', {})!.route.hops[0]!.gateway, '192.0.2.1');
    assert.equal(ways.to('203.0.113.1', { device: 'eth1' })!.route.hops[0]!.gateway, '198.51.100.1');
    assert.equal(ways.to('203.0.113.1', { device: 'bond0.200' }), undefined);
    assert.equal(ways.to('203.0.113.1', { device: 'bond0.200', from: '10.200.0.10' })!.route.table, '200');
    assert.equal(ways.to('2001:db8:ffff::1', {})!.route.hops[0]!.gateway, 'fe80::1');
  });

  it('a tunnel stands on nothing: the listing has null', async () => {
    const tunnel = { ifname: 'tunl0', flags: ['NOARP'], address: '0.0.0.0', link: null, linkinfo: { info_kind: 'ipip' } };
    const commands = { ...edge(), 'ip -j -d link show': JSON.stringify([tunnel]) };
    const [link] = (await source.look(looking({ commands }))).facts!.network!.links;
    assert.deepEqual([link!.name, link!.kind, link!.below], ['tunl0', 'ipip', undefined]);
  });

  it('without iproute2, or with one that prints something else, it has failed and says so', async () => {
    await assert.rejects(source.look(looking()), /the program ip .*is not installed/);
    const commands = { ...edge(), 'ip -j -d link show': '{"a": 1}' };
    await assert.rejects(source.look(looking({ commands })), /ip -j -d link show: .*array/);
    const refused = { ...edge(), 'ip -j -4 rule show': 2 };
    await assert.rejects(source.look(looking({ commands: refused })), /ip -j -4 rule show exited with 2/);
  });
});
