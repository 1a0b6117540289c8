/** Links over a real connection: calls, refusals, streams, certificates; and the thread of the cluster on top of them. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ClusterThread } from '../../src/cluster/thread/cluster-thread.ts';
import { watchedBy } from '../../src/cluster/start.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { readIdentity } from '../../src/cluster/transport/identity.ts';
import { CODES, type Link, RpcError } from '../../src/cluster/transport/link.ts';
import { rangeRequest, readRange } from '../../src/cluster/wire/kv.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';
import { progressRequest, readWatch } from '../../src/cluster/wire/watch.ts';
import { clusterFamilies } from '../../src/daemon/cluster-families.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { until } from '../../src/lab/until.ts';
import { ServedMember, TLS } from './served-member.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-grpc-'));
const served = new ServedMember();
let endpoint: string;
before(async () => (endpoint = await served.listen()));
after(() => {
  served.close();
  rmSync(dir, { recursive: true });
});
const ask = (link: Link, timeoutMs = 2000) => link.call(METHODS.range, rangeRequest({ key: '/p/a' }), timeoutMs);

describe('a link', () => {
  it('carries calls, with the demand that the member has a leader', async () => {
    served.member.store.write({ '/p/a': 'one' });
    const link = await grpcDial(TLS)(endpoint);
    assert.equal(readRange(await ask(link)).items[0]!.value.toString(), 'one');
    assert.equal(served.leaders.at(-1), 'true');
    link.close();
  });

  it("rejects with etcd's code and words, when there is no answer in time, and when nobody listens", async () => {
    const link = await grpcDial(TLS)(endpoint);
    const { member } = served;
    const rejected = async (code: number, message: RegExp, timeoutMs = 5000) => {
      const is = (error: unknown) => error instanceof RpcError && error.code === code && message.test(error.message);
      await assert.rejects(ask(link, timeoutMs), is);
    };
    try {
      member.refuses = new RpcError(CODES.permissionDenied, 'etcdserver: permission denied');
      await rejected(CODES.permissionDenied, /^etcdserver: permission denied$/);
      member.refuses = undefined;
      member.silent = true;
      await rejected(CODES.deadlineExceeded, /./, 200);
    } finally {
      member.refuses = undefined;
      member.silent = false;
    }
    link.close();
    await assert.rejects(ask(link));
    const nobody = await grpcDial(TLS)('https://127.0.0.1:1');
    await assert.rejects(
      ask(nobody),
      (error: RpcError) => error.code === CODES.unavailable && /ECONNREFUSED/.test(error.message),
    );
    nobody.close();
  });

  it('carries a stream until it is cut, and reports nothing after it was closed', async () => {
    const link = await grpcDial(TLS)(endpoint);
    const [messages, ends]: [Buffer[], Error[]] = [[], []];
    const open = () => link.stream(METHODS.watch, { message: (m) => messages.push(m), ended: (e) => ends.push(e) });
    const stream = open();
    stream.write(progressRequest());
    await until('a message', 2000, () => messages.length === 1);
    assert.equal(readWatch(messages[0]!).id, -1);
    served.cut();
    await until('the end', 2000, () => ends.length === 1);
    assert.equal((ends[0] as RpcError).code, CODES.unavailable);
    const closed = open();
    closed.close();
    assert.equal(readWatch(await link.first(METHODS.watch, progressRequest(), 2000)).id, -1);
    assert.deepEqual([messages.length, ends.length], [1, 1]);
    link.close();
  });
});

describe('certificates', () => {
  it('are read at each connect; what is missing, no certificate, or of another key is named', async () => {
    const own = { ca: TLS.ca, cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
    await assert.rejects(readIdentity(own), /cert\.pem does not exist/);
    copyFileSync(TLS.cert, own.cert);
    writeFileSync(own.key, 'x');
    await assert.rejects(readIdentity(own), /key\.pem can't be used \(.*\); write both files again/);
    copyFileSync(TLS.key, own.key);
    const { notAfter, version } = await readIdentity(own);
    assert.ok(notAfter > Date.now());
    const link = await grpcDial(own)(endpoint);
    assert.equal(await link.outdated(), false);
    copyFileSync(TLS.cert, own.cert);
    assert.equal(await link.outdated(), true);
    assert.notEqual((await readIdentity(own)).version, version);
    link.close();
  });
});

describe('the thread of the cluster', () => {
  it('mirrors, calls, shows what it has, and knows since when it has nothing', async (t) => {
    const { member } = served;
    member.store.write({ '/p/b': 'two' });
    const changed: (readonly [number, string, boolean])[] = [];
    const thread = new ClusterThread({
      etcd: { endpoints: [endpoint], tls: TLS },
      ranges: [{ name: 'all', key: '/p/', prefix: true }],
      clock: monotonicMs,
      changed: (range, changes, complete) => changed.push(...changes.map(({ key }) => [range, key, complete] as const)),
      told: () => undefined,
      crashed: assert.fail,
    });
    t.after(() => thread.stop());
    await until('connected', 20_000, () => thread.staleSince === undefined);
    await until('all keys', 2000, () => thread.items(0).size === 2);
    assert.deepEqual(changed, [
      [0, '/p/a', true],
      [0, '/p/b', true],
    ]);
    const answer = await thread.call(METHODS.range, rangeRequest({ key: '/p/b' }), { timeoutMs: 2000 });
    assert.equal(readRange(answer).items[0]!.value.toString(), 'two');
    member.refuses = new RpcError(CODES.outOfRange, 'etcdserver: mvcc: required revision has been compacted');
    await assert.rejects(thread.call(METHODS.range, rangeRequest({ key: '/p/b' }), { timeoutMs: 2000 }), /compacted/);
    member.refuses = new RpcError(CODES.unavailable, 'etcdserver: no leader');
    served.cut();
    const since = await until('stale', 10_000, () => thread.staleSince);
    assert.ok(since <= monotonicMs() && since > monotonicMs() - 10_000);
    const families = new Map(clusterFamilies(thread, since + 2500).map(({ name, values }) => [name, values[0]]));
    assert.equal(families.get('fourlane_cluster_connected'), 0);
    assert.equal(families.get('fourlane_cluster_stale_seconds'), 2.5);
    assert.equal(families.get('fourlane_cluster_keys'), 2);
    member.refuses = undefined;
    await until('connected again', 20_000, () => thread.staleSince === undefined);
    await thread.stop();
    await assert.rejects(thread.call(METHODS.range, Buffer.alloc(0), { timeoutMs: 1 }), /not running/);
  });

  it('of a server follows what it must run, what nobody may, who is there, the budgets and its shard', () => {
    assert.deepEqual(watchedBy('edge-1', 'lb-01', 3), [
      { name: 'target', key: '/fourlane/edge-1/target/', prefix: true },
      { name: 'poison', key: '/fourlane/edge-1/poison/', prefix: true },
      { name: 'maintenance', key: '/fourlane/edge-1/maintenance/', prefix: true },
      { name: 'roster', key: '/fourlane/edge-1/roster/', prefix: true },
      { name: 'member', key: '/fourlane/edge-1/member/', prefix: true },
      { name: 'applied', key: '/fourlane/edge-1/applied/lb-01', prefix: false },
      { name: 'budget', key: '/fourlane/edge-1/budget/', prefix: true },
      { name: 'evidence', key: '/fourlane/edge-1/evidence/3/', prefix: true },
    ]);
  });
});
