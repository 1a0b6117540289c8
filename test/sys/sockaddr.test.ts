import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalV6, parseAddress } from '../../src/model/address.ts';
import { sockaddrLength, sockaddrOf, unpackSockaddr } from '../../src/sys/sockaddr.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('IPv4', () => {
  const record = sockaddrOf({ family: 4, ip: '10.1.0.255', port: 8080 });
  assert.equal(hex(record.subarray(0, 8)), '02001f900a0100ff');
  assert.equal(sockaddrLength(record), 16);
});

test('IPv6 in every notation', () => {
  const cases: Readonly<Record<string, string>> = {
    '::1': '00000000000000000000000000000001',
    '::': '00000000000000000000000000000000',
    'fd72::11': 'fd720000000000000000000000000011',
    '1:2:3:4:5:6:7:8': '00010002000300040005000600070008',
    '1::8': '00010000000000000000000000000008',
    '::ffff:10.1.2.3': '00000000000000000000ffff0a010203',
  };
  for (const [ip, expected] of Object.entries(cases)) {
    assert.equal(hex(sockaddrOf({ family: 6, ip, port: 1 }).subarray(8, 24)), expected, ip);
    assert.equal(hex(sockaddrOf({ family: 6, ip: canonicalV6(ip), port: 1 }).subarray(8, 24)), expected, `${ip} canonical`);
  }
});

test('any IPv6 address is the same after it was packed and read again', () => {
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      const { ip: read } = unpackSockaddr(sockaddrOf({ family: 6, ip, port: 80 }));
      assert.equal(read, canonicalV6(ip));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('a link-local address takes the scope of the probing device', () => {
  const record = sockaddrOf({ family: 6, ip: 'fe80::1', port: 1, scope: '7' });
  assert.equal(record[24], 7);
});

test('addresses are read as written, wrong ones refused', () => {
  assert.deepEqual(parseAddress('10.1.0.1:80'), { family: 4, ip: '10.1.0.1', port: 80 });
  assert.deepEqual(parseAddress('[FD72:0::11]:80'), { family: 6, ip: 'fd72::11', port: 80 });
  assert.deepEqual(parseAddress('[fe80::1%eth0]:80'), { family: 6, ip: 'fe80::1', port: 80, scope: 'eth0' });
  assert.deepEqual(parseAddress('fd72::11', true), { family: 6, ip: 'fd72::11', port: 0 });
  for (const bad of [
    '10.1.0.1',
    '10.1.0.1:0',
    '10.1.0.1:65536',
    'example.com:80',
    '[10.1.0.1]:80',
    '10.1.0.256:80',
    'fd72::11',
    ':80',
    '',
  ]) {
    assert.equal(parseAddress(bad), undefined, bad);
  }
});
