import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, formatIp, formatPrefix, masked, overlap, parsePrefix, samePrefix, sizeOf } from '../../src/edge/prefix.ts';

const of = (text: string) => {
  const prefix = parsePrefix(text);
  assert.ok(prefix !== undefined, text);
  return prefix;
};

test('a prefix is printed as it was read, IPv6 in its shortest form', () => {
  for (const text of ['0.0.0.0/0', '10.0.0.48/29', '255.255.255.255/32', '::/0', 'fd64::10/124', '2001:db8::1/128'])
    assert.equal(formatPrefix(of(text)), text);
  assert.equal(formatPrefix(of('FD64:0:0::0010/124')), 'fd64::10/124');
  assert.equal(formatPrefix(of('::ffff:10.0.0.1')), '::ffff:a00:1/128');
  assert.equal(formatPrefix(of('10.0.0.1')), '10.0.0.1/32');
});

test('what is no prefix is none', () => {
  for (const text of [
    '',
    '10.0.0/24',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/2x',
    'fd64::/129',
    'fe80::1%e1',
    '10.0.0.0/8/8',
    'e1',
  ])
    assert.equal(parsePrefix(text), undefined, text);
});

test('addresses survive the way to a number and back', () => {
  for (let i = 0n; i < 200n; i++) {
    const four = (i * 2_654_435_761n) & 0xffff_ffffn;
    const six = (i * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835n) & ((1n << 128n) - 1n);
    assert.equal(of(formatIp(4, four)).base, four);
    assert.equal(of(formatIp(6, six)).base, six);
  }
});

test('containment, overlap and host bits', () => {
  assert.ok(contains(of('10.0.0.0/24'), of('10.0.0.48/29')));
  assert.ok(!contains(of('10.0.0.48/29'), of('10.0.0.0/24')));
  assert.ok(!contains(of('10.0.0.0/24'), of('10.0.1.0/29')));
  assert.ok(!contains(of('0.0.0.0/0'), of('fd64::/124')), 'families are apart');
  assert.ok(overlap(of('10.0.0.48/29'), of('10.0.0.0/8')));
  assert.ok(!overlap(of('10.0.0.48/29'), of('10.0.0.56/29')));
  assert.ok(samePrefix(of('10.0.0.1/24'), of('10.0.0.2/24')));
  assert.equal(formatPrefix(masked(of('10.0.0.49/29'))), '10.0.0.48/29');
  assert.equal(sizeOf(of('10.0.0.0/24')), 256n);
  assert.equal(sizeOf(of('::/0')), 1n << 128n);
});
