import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinkLine, readLink } from '../../src/sys/link-monitor.ts';

test('lines of ip -o monitor link', () => {
  const lines: [string, object | undefined][] = [
    [
      '3: eth1@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \\    link/ether aa:bb',
      { device: 'eth1', carrier: 1 },
    ],
    ['3: eth1@if4: <NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group default', { device: 'eth1', carrier: 0 }],
    [
      '3: eth1: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state LOWERLAYERDOWN group',
      { device: 'eth1', carrier: 0 },
    ],
    ['3: eth1: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default', { device: 'eth1', carrier: 0 }],
    ['1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default', { device: 'lo', carrier: 1 }],
    ['Deleted 3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP', { device: 'eth1', carrier: 0 }],
    ['something else', undefined],
    ['', undefined],
  ];
  for (const [line, expected] of lines) assert.deepEqual(parseLinkLine(line), expected, line);
});

test('sysfs: loopback is up, a missing device is absent and no crash', () => {
  assert.equal(readLink('lo').carrier, 1);
  assert.deepEqual(readLink('nosuch0'), { carrier: 0, operstate: 'absent', changes: 0 });
});
