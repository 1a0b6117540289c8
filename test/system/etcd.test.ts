/** Mirror, lease and calls against a real etcd of three members, each fault by itself: what follows, and how soon. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { prefixRange, putRequest, rangeRequest, readRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { EtcdCluster, PREFIX } from '../etcd/cluster.ts';
import { Follower } from '../etcd/follower.ts';
import { until } from '../until.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-etcd-'));
let cluster: EtcdCluster;
let api: Caller;

before(async () => {
  cluster = await EtcdCluster.start({ dir, flags: ['--quota-backend-bytes', String(16 << 20)] });
  api = cluster.caller('api');
});
after(async () => {
  api.close();
  await cluster.stop();
});

let writes = 0;
/** Writes a new value that nobody had; resolves with it. Asked again until it is written: the key has one writer. */
async function write(key: string): Promise<string> {
  const value = `value ${++writes}`;
  await api.call(METHODS.put, putRequest(PREFIX + key, value), { timeoutMs: 1500, againForMs: 20_000 });
  return value;
}

async function truth(): Promise<Map<string, string>> {
  const asked = { timeoutMs: 5000, againForMs: 10_000 };
  const { items } = readRange(await api.call(METHODS.range, rangeRequest(prefixRange(PREFIX)), asked));
  return new Map(items.map(({ key, value }) => [key, value.toString()]));
}

test('a mirror follows, and a fault of a member is over as soon as it is noticed', async (t) => {
  const follower = new Follower(cluster);
  t.after(() => follower.stop());
  await follower.sees('target/all', await write('target/all'));
  const shown: string[] = [];
  const member = () => Number(follower.state!.endpoint.split('.')[3]!.split(':')[0]);
  const faults: readonly [string, number, (n: number) => unknown, (n: number) => unknown][] = [
    ['killed', 5000, (n) => cluster.kill(n), (n) => cluster.boot(n)],
    ['stopped', 15_000, (n) => cluster.signal(n, 'SIGSTOP'), (n) => cluster.signal(n, 'SIGCONT')],
    ['cut from its clients', 15_000, (n) => cluster.cutClients(n), (n) => cluster.heal(n)],
    ['cut from the others', 15_000, (n) => cluster.isolate(n), (n) => cluster.heal(n)],
  ];
  for (const [name, limitMs, hurt, mend] of faults) {
    const n = member();
    const began = performance.now();
    await hurt(n);
    await follower.sees('target/all', await write('target/all'), limitMs);
    shown.push(`${name} ${Math.round(performance.now() - began)} ms`);
    assert.ok(!follower.state!.connected || member() !== n, `${name}: still at member ${n}`);
    await mend(n);
    await cluster.healthy();
  }
  t.diagnostic(shown.join(', '));
  assert.deepEqual(follower.snapshots, ['first'], 'nothing was read as a whole a second time');
  assert.deepEqual(new Map([...follower.replica.items].map(([key, i]) => [key, Buffer.from(i.value).toString()])), await truth());
});

test('compaction beyond the cursor: what was deleted meanwhile is found by comparing', async (t) => {
  const follower = new Follower(cluster);
  t.after(() => follower.stop());
  await follower.sees('target/a', await write('target/a'));
  await until('connected', 10_000, () => follower.state?.connected);
  const pids = cluster.endpoints.map((_, i) => i + 1);
  for (const n of pids) cluster.cutClients(n);
  await until('noticed', 20_000, () => follower.state?.connected === false);
  const inside = (argv: string[]) => cluster.inside(1, argv);
  await inside(['put', `${PREFIX}target/b`, 'new']);
  await inside(['del', `${PREFIX}target/a`]);
  const head = JSON.parse(await inside(['get', 'x', '-w', 'json'])) as { header: { revision: number } };
  await inside(['compact', String(head.header.revision)]);
  for (const n of pids) cluster.heal(n);
  await follower.sees('target/b', 'new');
  assert.equal(follower.value('target/a'), undefined);
  assert.equal(follower.snapshots.at(-1), 'compacted');
});

test('an etcd restored from an older snapshot is noticed, also when it has gone past what was seen', async (t) => {
  const follower = new Follower(cluster);
  t.after(() => follower.stop());
  const file = join(dir, 'backup');
  await follower.sees('target/kept', await write('target/kept'));
  await cluster.ctl(['snapshot', 'save', file], cluster.endpoints.slice(0, 1));
  const lost = await write('target/lost');
  await follower.sees('target/lost', lost);
  const seen = follower.replica.revision;
  await cluster.restore(file);
  while (
    readRange(await api.call(METHODS.range, rangeRequest({ key: 'x' }), { timeoutMs: 2000, againForMs: 9000 })).header.revision <=
    seen
  )
    await write('target/other');
  await follower.sees('target/lost', undefined);
  assert.ok(['history replaced', 'revision went back'].includes(follower.snapshots.at(-1)!), follower.snapshots.join());
  await follower.sees('target/other', await write('target/other'));
});

test('a user without rights is refused, and the mirror shows why', async (t) => {
  const follower = new Follower(cluster, 'stranger');
  t.after(() => follower.stop());
  const state = await until('a refusal', 10_000, () => follower.states.find(({ connected }) => !connected));
  assert.match(state.error, /user name not found|permission denied/);
  t.diagnostic(JSON.stringify(state));
});

test('certificates that were renewed on the disk are taken, and half-written ones are not', async (t) => {
  for (const end of ['pem', 'key']) copyFileSync(join(cluster.certificates, `lb-01.${end}`), join(dir, `renewed.${end}`));
  const tls = { ca: join(cluster.certificates, 'ca.pem'), cert: join(dir, 'renewed.pem'), key: join(dir, 'renewed.key') };
  const used: string[] = [];
  const dial = grpcDial(tls, ({ version }) => used.push(version));
  const follower = new Follower(cluster, 'lb-01', { dial, times: { certificatesMs: 100 } });
  t.after(() => follower.stop());
  await until('connected', 10_000, () => follower.state?.connected);
  const link = await dial(cluster.endpoints[0]!);
  assert.equal(await link.outdated(), false);
  copyFileSync(join(cluster.certificates, 'lb-02.pem'), tls.cert);
  assert.equal(await link.outdated(), false, 'certificate and key do not belong together');
  await assert.rejects(dial(cluster.endpoints[0]!), /renewed\.key is not the key of .*renewed\.pem; write both files again/);
  copyFileSync(join(cluster.certificates, 'lb-02.key'), join(dir, 'new.key'));
  renameSync(join(dir, 'new.key'), tls.key);
  assert.equal(await link.outdated(), true);
  link.close();
  await until('the new ones', 5000, () => used.length === 3);
  await follower.sees('target/all', await write('target/all'));
  assert.deepEqual(follower.snapshots, ['first']);
});
