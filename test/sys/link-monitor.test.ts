import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinkLine, readLink } from '../../src/sys/link-monitor.ts';

test('lines of ip -o monitor link name their device', () => {
  const lines: [string, string | undefined][] = [
    [
      '3: eth1@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \\    link/ether aa:bb',
      'eth1',
    ],
    ['3: eth1.100: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state LOWERLAYERDOWN group', 'eth1.100'],
    ['Deleted 3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP', 'eth1'],
    ['something else', undefined],
    ['', undefined],
  ];
  for (const [line, expected] of lines) assert.equal(parseLinkLine(line), expected, line);
});

test('sysfs: loopback is up, a missing device is absent and no crash', () => {
  assert.equal(readLink('lo')?.carrier, 1);
  assert.deepEqual(readLink('nosuch0'), { carrier: 0, operstate: 'absent', changes: 0 });
});
