import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedOn, expectedSet } from '../../src/edge/expected.ts';
import { BGP, config, uplink } from './world.ts';

const lines = (set: ReturnType<typeof expectedSet>) =>
  set.prefixes.map(({ prefix, level, uplinks }) => `${level} ${prefix} ${uplinks.map((u) => u.peer).join(' ')}`);

test('a group goes over its NIC, all else over every uplink', () => {
  assert.deepEqual(lines(expectedSet(config())), [
    'group 10.0.0.48/29 192.0.2.1',
    'group 10.0.0.56/29 198.51.100.1',
    'server 10.0.0.48/28 192.0.2.1 198.51.100.1',
    'cluster 10.0.0.0/24 192.0.2.1 198.51.100.1',
    'vip 203.0.113.0/26 192.0.2.1 198.51.100.1',
  ]);
});

test('an uplink gets the families that it carries; a prefix that none carries stays in the set', () => {
  const uplinks = [...BGP.uplinks, uplink('eth2', 'fd00::1', { families: ['ipv6'] })];
  const set = expectedSet(config({ announce: [] }, { uplinks, vips: ['fd71::100/128', '203.0.113.1/32'] }));
  assert.deepEqual(lines(set), ['vip fd71::100/128 fd00::1', 'vip 203.0.113.1/32 192.0.2.1 198.51.100.1']);
  assert.deepEqual(lines(expectedSet(config({ announce: [] }, { vips: ['fd71::/64'] }))), ['vip fd71::/64 ']);
});

test('without keys nothing is expected; prefixes lose their host bits and stand once', () => {
  assert.deepEqual(expectedSet({}), { uplinks: [], prefixes: [] });
  const { snat: _, ...alone } = config({}, { vips: ['203.0.113.1/26', '203.0.113.2/26'] });
  assert.deepEqual(lines(expectedSet(alone)), ['vip 203.0.113.0/26 192.0.2.1 198.51.100.1']);
});

test('what may go over a NIC is what its uplinks should get', () => {
  assert.deepEqual(
    [...allowedOn(expectedSet(config()), 'eth3')],
    ['10.0.0.56/29', '10.0.0.48/28', '10.0.0.0/24', '203.0.113.0/26'],
  );
  assert.deepEqual([...allowedOn(expectedSet(config()), 'eth9')], []);
});
