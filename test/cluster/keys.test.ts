import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterPrefix, KEY_KINDS, KEYS, keyOf, type KeyKind, parseKey } from '../../src/cluster/keys.ts';
import { apiRights, serverRights } from '../../src/cluster/roles.ts';
import { depthOf, readValue, writeValue } from '../../src/cluster/value-codec.ts';

const parameters = (kind: KeyKind) => [...KEYS[kind].pattern.matchAll(/<(\w+)>/g)].map((m) => m[1]!);

test('a key of every kind is found again, whatever its names hold', () => {
  for (const kind of KEY_KINDS) {
    for (const hostile of ['lb-1', 'a/b', '../x', '%2f', 'ü ö', 'holder', '.']) {
      const names = parameters(kind).map(() => hostile);
      const key = keyOf(kind, ...names);
      assert.deepEqual(parseKey(key), { kind, names }, key);
      assert.equal(key.split('/').length, KEYS[kind].pattern.split('/').length, 'a name is one part of a key');
    }
  }
  assert.equal(clusterPrefix('a/b'), '/fourlane/a%2Fb/');
  assert.equal(keyOf('budgetHolder', 'nic'), 'budget/nic/holder/');
  const foreign = ['', 'applied', 'applied/', 'applied/a/b', 'budget/x', 'budget/x/other', 'lead/other', 'applied/%E0%A4%A'];
  for (const key of foreign) assert.equal(parseKey(key), undefined, key);
});

const MEMBER = { boot: 'b1', version: '0.9.0', addresses: ['192.0.2.1'], ready: true };

test('a value is read as it was written; entries of a newer version are dropped', () => {
  const bytes = writeValue('member', 'member/lb-1', MEMBER);
  assert.deepEqual(readValue('member', 'member/lb-1', bytes), MEMBER);
  const newer = Buffer.from(JSON.stringify({ ...MEMBER, mood: 'good' }));
  assert.deepEqual(readValue('member', 'member/lb-1', newer), MEMBER);
});

test('hostile values are refused with key, value and remedy', () => {
  const refuses = (bytes: string | Uint8Array, message: RegExp) =>
    assert.throws(
      () => readValue('member', 'member/lb-1', Buffer.from(bytes)),
      (error: Error) => {
        assert.match(error.message, /^member\/lb-1: .*; write it again with this version of fourlane$/s);
        assert.match(error.message, message);
        return true;
      },
    );
  refuses('x'.repeat(8193), /found 8193 bytes; allowed: at most 8192/);
  refuses(new Uint8Array([0x22, 0xff, 0x22]), /not valid UTF-8/);
  refuses('[1,', /found "\[1,", which is no JSON/);
  refuses('['.repeat(4000), /more than 16 deep/);
  refuses(JSON.stringify({ ...MEMBER, ready: 'yes' }), /ready: found "yes": /);
  refuses(JSON.stringify({ ...MEMBER, boot: 'x'.repeat(201) }), /boot: found "x+: must have at most 200 characters/);
  refuses(JSON.stringify({ ...MEMBER, boot: 'a\u202eb' }), /must not hold control or invisible/);
  refuses('null', /found null/);
  refuses('{"__proto__":{"boot":"b"}}', /boot: found /);
  const many = { ...MEMBER, addresses: Array.from({ length: 17 }, () => 'a') };
  refuses(JSON.stringify(many), /addresses: found \[/);
  assert.throws(() => writeValue('member', 'member/lb-1', { ...MEMBER, version: 'x'.repeat(9000) }), /found 9\d\d\d bytes/);
});

test('depth counts brackets outside of strings', () => {
  assert.equal(depthOf('{"a":[1,{"b":"[[[[\\"[["}]}'), 3);
  assert.equal(depthOf('"[[["'), 0);
  assert.equal(depthOf('"[['), 0);
});

test('a server may write its own keys and what any server writes, and nothing else', () => {
  const rights = serverRights('lb-1', { cluster: 'edge', budgets: ['nic'], evidenceShards: 2 });
  const may = rights.filter((each) => each.permission === 'readwrite').map(({ key, prefix }) => `${key}${prefix ? '*' : ''}`);
  assert.deepEqual(may, [
    '/fourlane/edge/member/lb-1',
    '/fourlane/edge/applied/lb-1',
    '/fourlane/edge/evidence/0/lb-1',
    '/fourlane/edge/evidence/1/lb-1',
    '/fourlane/edge/budget/nic/gate',
    '/fourlane/edge/budget/nic/holder/lb-1',
    '/fourlane/edge/poison/*',
  ]);
  assert.deepEqual(rights[0], { permission: 'read', key: '/fourlane/edge/', prefix: true });
});

test('the API may write everything that is not one server’s own', () => {
  const may = apiRights({ cluster: 'edge', budgets: ['nic'] }).filter((each) => each.permission === 'readwrite');
  assert.deepEqual(
    may.map(({ key }) => key.slice('/fourlane/edge/'.length)),
    [
      'blob/',
      'release/',
      'target/',
      'roster/',
      'maintenance/',
      'budget/nic/rule',
      'budget/nic/gate',
      'poison/',
      'rollout/',
      'lead/rollout',
    ],
  );
  for (const kind of KEY_KINDS) assert.ok(KEYS[kind].writers.length > 0, kind);
});
