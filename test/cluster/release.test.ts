import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { refusals } from '../../src/cluster/release/admission.ts';
import { hashOf, packBlob, unpackBlob } from '../../src/cluster/release/blob.ts';
import { type Content, type Json, mergeConfig, splitConfig } from '../../src/cluster/release/content.ts';
import { diffContent, diffText } from '../../src/cluster/release/diff.ts';
import { missingBlobs, packContent, rootOf, shardOf, unpackContent } from '../../src/cluster/release/release.ts';
import { distrust, signRelease, trustedKey } from '../../src/cluster/release/signature.ts';
import { parseYaml } from '../../src/config/yaml.ts';
import { loadPlan } from '../../src/config/load.ts';
import { canonical } from '../../src/model/canonical.ts';
import { writeValue } from '../../src/cluster/value-codec.ts';

const FILE = `
cluster: edge
server: lb-1
nics: [{ name: eth0 }, { name: eth1, anchors: [192.0.2.1] }]
checks: { web: { type: http } }
rules: { max_nics_fraction: 0.4 }
services:
  - { name: b, vip: "192.0.2.10:80/tcp", check: web, realServers: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 5 }] }
  - { vip: "192.0.2.11:443/tcp", realServers: ["10.0.0.3:443"] }
`;
const config = () => parseYaml(FILE).value as Json;
const content = (services: number, servers = 4): Content => ({
  base: {},
  services: new Map(
    Array.from({ length: services }, (_, i) => {
      const realServers = Array.from({ length: servers }, (__, j) => `10.${i >> 8}.${i & 255}.${j}:80`);
      return [`s${i}`, { name: `s${i}`, vip: `192.0.${i >> 8}.${i & 255}:80/tcp`, realServers }];
    }),
  ),
});
const without = (c: Content, ...keys: string[]): Content => ({
  ...c,
  services: new Map([...c.services].filter(([key]) => !keys.includes(key))),
});
const withService = (c: Content, key: string, more: Json): Content => ({
  ...c,
  services: new Map([...c.services, [key, { ...c.services.get(key), ...more }]]),
});
const blobsOf = (packed: ReturnType<typeof packContent>) => (hash: string) => packed.blobs.get(hash)?.packed;

test('a configuration taken apart and put together again has the same plan', () => {
  const { content: shared, local } = splitConfig(config());
  assert.deepEqual(Object.keys(local), ['cluster', 'server', 'nics']);
  const packed = packContent(shared);
  const back = unpackContent({ n: 1, ...packed }, blobsOf(packed));
  const merged = mergeConfig(local, back);
  const plan = loadPlan(canonical(merged), 'release 1', { hostname: 'h' });
  const byName = { ...config(), services: (config()['services'] as Json[]).toReversed() };
  assert.equal(plan.revision, loadPlan(canonical(byName), 'file', { hostname: 'h' }).revision);
  assert.throws(() => mergeConfig({ ...local, rules: {} }, back), /has rules, which the cluster's release carries/);
  assert.throws(() => splitConfig({ services: [{ vip: 'x' }, { name: 'x', vip: 'y' }] }), /two are called "x"/);
  assert.throws(() => splitConfig({ services: [{}] }), /neither name nor vip/);
});

test('the root depends on the content alone: not on order, not on who packs it', () => {
  const c = content(100);
  const turned = { ...c, services: new Map([...c.services].toReversed().map(([k, v]) => [k, { ...v }])) };
  assert.equal(packContent(c).root, packContent(turned).root);
  assert.notEqual(packContent(c).root, packContent({ ...c, base: { rules: {} } }).root);
});

test('a change of one service changes one shard of 64', () => {
  const [a, b] = [packContent(content(1000)), packContent(withService(content(1000), 's17', { panic: 0.7 }))];
  const changed = b.shards.filter((hash, shard) => hash !== a.shards[shard]);
  assert.deepEqual(changed, [b.shards[shardOf('s17')]]);
  assert.deepEqual(
    missingBlobs(b, (hash) => a.blobs.has(hash)),
    changed,
  );
  assert.equal(new Set(a.shards).size, 64, 'services are spread');
});

test('60 000 real servers: a root of a few kB, shards far below the limit of etcd', () => {
  const packed = packContent(content(3000, 20));
  const sizes = [...packed.blobs.values()].map((blob) => blob.packed.length);
  assert.ok(Math.max(...sizes) < 20_000, String(Math.max(...sizes)));
  const root = { n: 42, root: packed.root, parent: null, author: 'op', at: '2026-11-28T12:00:00Z', reason: 'because' };
  assert.ok(writeValue('release', 'release/42', { ...root, base: packed.base, shards: packed.shards }).length < 6000);
  const known = new Map();
  assert.equal(unpackContent({ n: 1, ...packed }, blobsOf(packed), known).services.size, 3000);
  const next = packContent(withService(content(3000, 20), 's5', { panic: 0 }));
  let read = 0;
  unpackContent({ n: 2, ...next }, (hash) => (read++, next.blobs.get(hash)?.packed), known);
  assert.equal(read, 1, 'unchanged shards are not unpacked again');
});

test('what is damaged is refused by name', () => {
  const packed = packContent(content(10));
  const release = { n: 7, ...packed };
  const some = shardOf('s3');
  assert.throws(() => unpackContent({ ...release, root: hashOf('x') }, blobsOf(packed)), /release 7: its parts have the root/);
  assert.throws(
    () => unpackContent(release, (hash) => (hash === packed.shards[some] ? undefined : packed.blobs.get(hash)?.packed)),
    /release 7: the blob [0-9a-f]{64} is missing; release the configuration again/,
  );
  const moved = packed.shards.map((hash, i) => (i === (some + 1) % 64 ? packed.shards[some]! : hash));
  const parts = { base: packed.base, shards: moved };
  assert.throws(() => unpackContent({ n: 7, ...parts, root: rootOf(parts) }, blobsOf(packed)), /belongs into/);
  const other = packBlob([1]);
  assert.throws(() => unpackBlob(packed.base, other.packed), /its content has the hash/);
  assert.throws(() => unpackBlob(packed.base, Buffer.from('junk')), /cannot be unpacked/);
  const bomb = zstdCompressSync(Buffer.alloc(17 << 20, 0x20));
  assert.throws(() => unpackBlob(hashOf('x'), bomb), /blob\/[0-9a-f]{64}: it cannot be unpacked/);
  const deep = '['.repeat(40) + ']'.repeat(40);
  assert.throws(() => unpackBlob(hashOf(deep), zstdCompressSync(deep)), /more than 32 deep/);
});

test('a signature holds for one root of one cluster and one key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const trust = trustedKey(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64'));
  const root = packContent(content(3)).root;
  const signature = signRelease('edge', { root }, privateKey);
  assert.equal(distrust({ n: 1, root, signature }, 'edge', trust), undefined);
  assert.match(distrust({ n: 1, root, signature }, 'core', trust)!, /not of the trusted key/);
  assert.match(distrust({ n: 1, root: hashOf('x'), signature }, 'edge', trust)!, /not of the trusted key/);
  assert.match(distrust({ n: 1, root }, 'edge', trust)!, /has no signature/);
  const wider = { n: 1, root, signature, allow: { removed: 1 } };
  assert.match(distrust(wider, 'edge', trust)!, /not of the trusted key/, 'what is allowed is signed too');
  const stranger = signRelease('edge', { root }, generateKeyPairSync('ed25519').privateKey);
  assert.match(distrust({ n: 1, root, signature: stranger }, 'edge', trust)!, /not of the trusted key/);
});

test('what a release changes is counted', () => {
  const old = content(10);
  const next = withService(without(old, 's0'), 's1', { realServers: ['10.0.1.0:80', { address: '10.9.9.9:80', weight: 1 }] });
  const diff = diffContent(old, next);
  assert.deepEqual(diff.removed, ['s0']);
  assert.deepEqual(diff.changed, ['s1']);
  assert.deepEqual(diff.vips, { before: 10, after: 9, added: 0, removed: 1 });
  assert.deepEqual(diff.realServers, { before: 40, after: 34, added: 1, removed: 7 });
  assert.equal(diffText(diff), 'services: 1 removed, 1 changed; real servers: 1 added, 7 removed');
  assert.equal(diffText(diffContent(old, old)), 'nothing changes');
});

test('poison, empty, emptied and much smaller releases are refused, with what to do', () => {
  const old = content(20);
  const ask = (next: Content, allow?: number) => {
    const release = { n: 9, root: packContent(next).root, ...(allow === undefined ? {} : { allow: { removed: allow } }) };
    return refusals({ release, next, diff: diffContent(old, next), poison: new Map() });
  };
  const reasons = (next: Content, allow?: number) => ask(next, allow).map(({ reason }) => reason);
  assert.deepEqual(reasons(old), []);
  assert.deepEqual(reasons(without(old, 's0', 's1')), [], '10 % may go');
  assert.deepEqual(reasons(without(old, 's0', 's1', 's2')), ['removed_vips', 'removed_real_servers']);
  assert.deepEqual(reasons(without(old, 's0', 's1', 's2'), 0.15), []);
  assert.match(ask(without(old, 's0', 's1', 's2'))[0]!.message, /3 of 20 VIPs \(15 %\); allowed: 10 %; .*--allow-removed 15%$/);
  assert.deepEqual(reasons(without(old, ...old.services.keys()), 1), ['empty'], 'whatever is said');
  const drained = (old.services.get('s4')!['realServers'] as string[]).map((address) => ({ address, weight: 0 }));
  assert.deepEqual(reasons(withService(old, 's4', { realServers: drained })), ['emptied']);
  const root = packContent(old).root;
  const poisoned = refusals({ release: { n: 9, root }, next: old, poison: new Map([[root, 'lb-1 crashed twice']]) });
  assert.match(poisoned[0]!.message, /is poison: lb-1 crashed twice/);
  const first = refusals({ release: { n: 1, root }, next: old, poison: new Map(), distrusted: 'no' });
  assert.deepEqual(first, [{ reason: 'signature', message: 'no' }]);
});
