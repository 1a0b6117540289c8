/** A file with a release of the cluster: what is merged, what is refused, and where the blame is put. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { blobPath, releasePath } from '../../src/cluster/agent/files.ts';
import { splitConfig } from '../../src/cluster/release/content.ts';
import { packContent } from '../../src/cluster/release/release.ts';
import { signRelease } from '../../src/cluster/release/signature.ts';
import { writeValue } from '../../src/cluster/value-codec.ts';
import { compareFile } from '../../src/config/compare.ts';
import { compareRelease } from '../../src/config/compare-release.ts';
import { loadPlanFile } from '../../src/config/load.ts';
import { packPlan } from '../../src/config/plan-bytes.ts';
import type { Plan } from '../../src/model/plan.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-config-release-'));
const directory = join(dir, 'cluster');
for (const part of ['blobs', 'releases']) mkdirSync(join(directory, part), { recursive: true });
after(() => rmSync(dir, { recursive: true }));

const path = join(dir, 'fourlane.yaml');
const TLS = 'tls: {ca: /ca.pem, cert: /cert.pem, key: /key.pem}';
const LOCAL = `cluster: {name: edge, etcd: {endpoints: ['https://192.0.2.1:2379'], ${TLS}}}\nserver: lb\n`;
const file = (nic: string, more = '') => writeFileSync(path, `${LOCAL}nics: [{name: ${nic}}]\n${more}`);

/** Ten services; `change` changes one of them. */
function shared(change: object = {}, count = 10) {
  const services = Array.from({ length: count }, (_, k) => ({
    name: `web${k}`,
    vip: `10.0.0.${k + 1}:80/tcp`,
    check: 'quick',
    realServers: ['10.1.0.1:80', '10.1.0.2:80'],
  }));
  Object.assign(services[3] ?? {}, change);
  return { checks: { quick: { type: 'tcp', interval: '2s' } }, services };
}

function store(n: number, config: object, privateKey?: Parameters<typeof signRelease>[2]): string {
  const { root, base, shards, blobs } = packContent(splitConfig(config as Record<string, unknown>).content);
  for (const { hash, packed } of blobs.values()) writeFileSync(blobPath(directory, hash), packed);
  const signature = privateKey === undefined ? {} : { signature: signRelease('edge', { root }, privateKey) };
  const release = { n, root, parent: null, author: 'ops', at: '2026-11-28T12:00:00Z', reason: '', base, shards: [...shards] };
  writeFileSync(releasePath(directory, root), writeValue('release', 'release', { ...release, ...signature }));
  return root;
}

const none = (): Plan => {
  file('eth0');
  return loadPlanFile(path, { hostname: 'lb' });
};

function compare(root: string, before: Plan, running?: string, trust?: string) {
  const request = { path, hostname: 'lb', running: packPlan(before), fingerprint: before.fingerprint };
  return compareRelease(request, { directory, root, admission: { cluster: 'edge', running, proven: false, trust } });
}

test('the file gives what is its own, the release the rest; what they mean is the same whatever the NIC is called', () => {
  const root = store(1, shared());
  const before = none();
  const first = compare(root, before);
  assert.ok(!('refused' in first.answer), JSON.stringify(first.answer));
  assert.deepEqual(first.answer.release!.counts, { added: 10, removed: 0, changed: 0, actions: 0 });
  assert.deepEqual(
    [first.plan!.nics[0]!.name, first.plan!.services.length, first.plan!.targets[0]!.check.interval],
    ['eth0', 10, 2000],
  );
  file('eth1');
  const other = compare(root, before).answer;
  assert.ok(!('refused' in other) && !('refused' in first.answer));
  assert.equal(other.release!.planHash, first.answer.release!.planHash);
  file('eth0');
  const changed = compare(store(2, shared({ realServers: ['10.1.0.1:80', '10.1.0.3:80'] })), first.plan!, root).answer;
  assert.ok(!('refused' in changed));
  assert.deepEqual(changed.release!.counts, { added: 0, removed: 0, changed: 1, actions: 1 });
  assert.notEqual(changed.release!.planHash, first.answer.release!.planHash);
});

test('a mistake of the release is named by its service, one of the file by its line', () => {
  const before = none();
  const invalid = compare(store(3, shared({ panic: 2 })), before).answer;
  assert.ok('refused' in invalid);
  assert.deepEqual([invalid.code, invalid.mistakes.length], ['CLUSTER_INVALID', 1]);
  assert.match(invalid.mistakes[0]!, /^release 3: services\."web3"\.panic: found 2/);
  const unknown = compare(store(4, shared({ nics: ['eth9'] })), before).answer;
  assert.ok('refused' in unknown);
  assert.match(unknown.mistakes[0]!, /^release 4: services\."web3"\.nics\.?\[?0\]?: .*eth9/);
  file('eth0', 'listen: nowhere\n');
  const local = compare(store(1, shared()), before).answer;
  assert.ok('refused' in local);
  assert.match(local.mistakes[0]!, /fourlane\.yaml:4:\d+: listen: /);
  file('eth0', 'rules: {}\n');
  const twice = compare(store(1, shared()), before).answer;
  assert.ok('refused' in twice);
  assert.match(twice.refused, /the file on this server has rules, which the cluster's release carries/);
});

test('limits and signatures are asked of a release that is to run, not of the one that runs', () => {
  const before = none();
  const [ten, eight] = [store(1, shared()), store(5, shared({}, 8))];
  const small = compare(eight, before, ten).answer;
  assert.ok('refused' in small && /removes 2 of 10 VIPs/.test(small.refused));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const trust = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64');
  const unsigned = compare(ten, before, undefined, trust).answer;
  assert.ok('refused' in unsigned && /release 1 has no signature/.test(unsigned.refused));
  assert.ok(!('refused' in compare(store(6, shared({ panic: 0.3 }), privateKey), before, undefined, trust).answer));
  const request = { path, hostname: 'lb', running: packPlan(before), fingerprint: before.fingerprint };
  assert.ok(!('refused' in compareRelease(request, { directory, root: eight }).answer));
});

test('what is damaged on the disk is told from what is wrong in the release', () => {
  const before = none();
  const root = store(7, shared({ panic: 0.4 }));
  writeFileSync(releasePath(directory, root), '{');
  const answer = compare(root, before).answer;
  assert.ok('refused' in answer && answer.code === 'STATE_DAMAGED');
});

test('a file that has lost its services changes nothing, unless a release has them', () => {
  const services = `services: [{vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80']}]\n`;
  file('eth0', services);
  const before = loadPlanFile(path, { hostname: 'lb' });
  file('eth0');
  const request = { path, hostname: 'lb', running: packPlan(before), fingerprint: before.fingerprint };
  const lost = compareFile(request).answer;
  assert.ok('refused' in lost && /no release of the cluster has run here yet; what runs stays/.test(lost.refused));
  assert.ok(!('refused' in compare(store(1, shared()), before).answer), 'the way from a file to a cluster');
  writeFileSync(path, 'server: lb\ncluster: edge\nnics: [{name: eth0}]\n');
  const left = compareFile(request).answer;
  assert.ok('refused' in left && /neither services nor cluster\.etcd/.test(left.refused));
  writeFileSync(path, `server: lb\ncluster: edge\nnics: [{name: eth0}]\n${services}`);
  assert.ok(!('refused' in compareFile(request).answer), 'the way back');
});
