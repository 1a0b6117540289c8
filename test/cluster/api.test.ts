/** The operator's side: releases, pointers, rollouts and what is cleared away, over etcd in memory. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { awaitApplied } from '../../src/cluster/api/await.ts';
import { changesOf, refusalTexts } from '../../src/cluster/api/changes.ts';
import { Contents, releaseOf } from '../../src/cluster/api/contents.ts';
import { realServerList } from '../../src/cluster/release/content.ts';
import {
  beginMaintenance,
  endMaintenance,
  firstBudgets,
  putBudget,
  putPoison,
  putRoster,
  removeRoster,
} from '../../src/cluster/api/edits.ts';
import { unsignedText } from '../../src/cli/cluster/carry.ts';
import { unreachable } from '../../src/cluster/store/failure.ts';
import { clearAway } from '../../src/cluster/api/garbage.ts';
import { badIn } from '../../src/cluster/api/bad-in.ts';
import { leadRollout } from '../../src/cluster/api/lead-rollout.ts';
import { namesOf } from '../../src/cluster/api/listing.ts';
import { conflict, moveTo, refuseBesideRollout } from '../../src/cluster/api/pointers.ts';
import { publish, type ReleaseWish, signatureFrom } from '../../src/cluster/api/publish.ts';
import { encodeEvidence, rootPrefix } from '../../src/cluster/evidence/evidence.ts';
import { keyOf } from '../../src/cluster/keys.ts';
import type { Content, Json } from '../../src/cluster/release/content.ts';
import { distrust } from '../../src/cluster/release/signature.ts';
import { beginRollout } from '../../src/cluster/rollout/begin.ts';
import { RpcError } from '../../src/cluster/transport/link.ts';
import type { Release } from '../../src/cluster/values.ts';
import { AT, Fleet, type Refuses } from './fleet-model.ts';
import { MemoryStore } from './memory-store.ts';

const WISH: ReleaseWish = { cluster: 'edge', author: 'ada@ops', at: AT, reason: 'more web', parent: null };

function content(services: Readonly<Record<string, readonly string[]>>): Content {
  const entries = Object.entries(services).map(([name, realServers], i): [string, Json] => [
    name,
    { name, vip: `10.9.0.${i + 1}:80`, realServers },
  ]);
  return { services: new Map(entries), base: {} };
}

const web = (...realServers: string[]) => content({ web: realServers });
const TEN = Array.from({ length: 10 }, (_, i) => `10.0.0.${i + 1}:80`);

/** Three servers in two rings, all there; they run the first release. */
async function cluster(refuses?: Refuses): Promise<{ store: MemoryStore; fleet: Fleet; first: Release }> {
  const store = new MemoryStore();
  for (const [server, ring] of Object.entries({ 'lb-1': 'canary', 'lb-2': 'rest', 'lb-3': 'rest' })) {
    store.put('roster', [server], { ring });
    store.put('member', [server], { boot: 'b', version: '0.1.0', addresses: [], ready: true });
  }
  const first = await publish(store, web(...TEN), WISH);
  await store.commit(moveTo(first, ['canary', 'rest'], store.state));
  const fleet = new Fleet(store, refuses);
  fleet.act();
  return { store, fleet, first };
}

async function begin(store: MemoryStore, release: Release, soakMs = 300): Promise<number> {
  const stages = ['canary', 'rest'].map((ring) => ({ ring, soakMs }));
  const to = { release: release.n, root: release.root };
  const { state } = store;
  const wish = { to, stages, onHalt: 'rollback', allowAbsent: 0, startedBy: 'ada', at: AT, baseline: [] } as const;
  const beginning = beginRollout({ ...wish, stages, baseline: [] }, state.target, state.rollout);
  assert.ok(beginning.begins);
  assert.ok((await store.commit(beginning.txn)).done);
  return beginning.n;
}

const parts = (store: MemoryStore, fleet: Fleet, by = 'ada') => ({
  store,
  follow: fleet.follow(),
  contents: new Contents(store),
  lead: fleet.lead(by),
  clock: () => fleet.now,
  told: () => undefined,
  signal: new AbortController().signal,
});

test('a release is made once under the next number, and its content comes back', async () => {
  const { store, first } = await cluster();
  const second = await publish(store, web(...TEN, '10.0.0.11:80'), { ...WISH, parent: first.root });
  assert.deepEqual([first.n, second.n, second.parent], [1, 2, first.root]);
  assert.deepEqual(await new Contents(store).of(releaseOf(store.state, 2)), web(...TEN, '10.0.0.11:80'));
  assert.throws(() => releaseOf(store.state, 7), /release 7: it is not there.*there are 2, 1/);
});

test('two releases at the same time get two numbers', async () => {
  const { store } = await cluster();
  let isFirst = true;
  const made: Promise<Release>[] = [];
  store.before = () => {
    if (!isFirst) return;
    isFirst = false;
    made.push(publish(store, web('10.1.0.1:80'), { ...WISH, author: 'bob' }));
  };
  const own = await publish(store, web('10.2.0.1:80'), WISH);
  const [other] = await Promise.all(made);
  assert.deepEqual(new Set([own.n, other!.n]), new Set([2, 3]));
});

test('blobs that are cleared away while a release is made are put again: no release lacks one', async () => {
  const { store } = await cluster();
  let cleared = 0;
  store.before = () => {
    if (cleared++ > 0) return;
    for (const key of store.items.keys()) if (key.startsWith('blob/')) store.items.delete(key);
  };
  const release = await publish(store, web('10.2.0.1:80'), WISH);
  assert.ok(cleared > 1);
  for (const hash of [release.base, ...release.shards]) assert.ok(store.items.has(keyOf('blob', hash)));
});

test('what a release changes is said for each ring, and what is too much is refused', async () => {
  const { store, first } = await cluster();
  const next = web(...TEN.slice(0, 7), '10.0.0.99:80');
  const changes = await changesOf({ n: 2, root: 'f'.repeat(64) }, next, store.state, new Contents(store));
  assert.deepEqual(
    changes.map(({ ring, from, text }) => [ring, from, text]),
    ['canary', 'rest'].map((ring) => [ring, 1, 'services: 1 changed; real servers: 1 added, 3 removed']),
  );
  const [text, ...more] = refusalTexts(changes);
  assert.match(text!, /removes 3 of 10 real servers \(30 %\); allowed: 10 %; .*--allow-removed 30%/);
  assert.deepEqual(more, [], 'what both rings refuse is named once');
  assert.deepEqual(namesOf(web(...TEN), next).realServers, {
    added: ['web 10.0.0.99:80'],
    removed: TEN.slice(7)
      .map((a) => `web ${a}`)
      .toSorted(),
  });
  const same = await changesOf(first, web(...TEN), store.state, new Contents(store));
  assert.ok(same.every((each) => each.same && each.refusals.length === 0));
});

test('a pointer that somebody else has moved is left, and the loser is told who, why and what differs', async () => {
  const { store } = await cluster();
  const before = store.state;
  const bob = await publish(store, web(...TEN, '10.0.0.50:80'), { ...WISH, author: 'bob@ops', reason: 'black friday' });
  const own = await publish(store, web(...TEN, '10.0.0.60:80'), WISH);
  assert.ok((await store.commit(moveTo(bob, ['canary', 'rest'], store.state))).done);
  assert.equal((await store.commit(moveTo(own, ['canary', 'rest'], before))).done, false);
  const error = await conflict(store, before, await new Contents(store).of(own));
  assert.equal(error.code, 'CLUSTER_CONFLICT');
  assert.match(
    error.message,
    /ring canary was given release 2 of bob@ops, made at .* \(black friday\); yours differs from it: .*1 added, 1 removed/,
  );
});

test('pointers are not moved beside a rollout, nor while one begins', async () => {
  const { store } = await cluster();
  const second = await publish(store, web(...TEN, '10.0.0.11:80'), WISH);
  const stale = moveTo(second, ['canary', 'rest'], store.state);
  await begin(store, second);
  assert.throws(() => refuseBesideRollout(store.state), /rollout 1 of ada to release 2 is preparing/);
  assert.equal((await store.commit(stale)).done, false);
});

test('a rollout goes through its rings, wherever its leader dies and whoever goes on', async (t) => {
  let deaths = 0;
  for (let at = 0; ; at++) {
    const { store, fleet } = await cluster();
    const second = await publish(store, web(...TEN, '10.0.0.11:80'), WISH);
    const n = await begin(store, second);
    const dying = new AbortController();
    let commits = 0;
    store.before = () => {
      if (commits++ === at) dying.abort();
    };
    await leadRollout(n, { ...parts(store, fleet), signal: dying.signal });
    if (!dying.signal.aborted) break;
    deaths++;
    assert.ok(store.state.target.size === 2);
    store.items.delete(keyOf('lead'));
    const left = await leadRollout(n, parts(store, fleet, 'bob'));
    assert.equal(left?.state, 'done', `after a death at step ${at}`);
    assert.ok([...store.state.applied.values()].every(({ value }) => value.running === second.root));
  }
  t.diagnostic(`${deaths} deaths`);
  assert.ok(deaths >= 5, 'each step was the last of some leader');
});

test('a server that refuses while it prepares stops a rollout before anything is applied', async () => {
  let bad = '';
  const { store, fleet, first } = await cluster((server, root) =>
    server === 'lb-3' && root === bad ? 'no such NIC' : undefined,
  );
  const second = await publish(store, web(...TEN, '10.0.0.11:80'), WISH);
  bad = second.root;
  const n = await begin(store, second);
  const left = await leadRollout(n, parts(store, fleet));
  assert.equal(left?.state, 'rolledBack');
  assert.match(left.why, /lb-3 of ring rest: refused: no such NIC/);
  assert.ok([...store.state.target.values()].every(({ value }) => value.root === first.root && value.prepare === undefined));
});

test('real servers that are bad only where the new release runs halt it in the first ring', async () => {
  const { store, fleet, first } = await cluster();
  const second = await publish(store, web(...TEN, '10.0.0.11:80'), WISH);
  const list = realServerList(web(...TEN));
  const report = (server: string, root: string, length: number, bad: number[]) =>
    store.raw(
      keyOf('evidence', 0, server),
      encodeEvidence({ root: rootPrefix(root), epoch: 1, frozen: false, blind: false, length, bad }),
    );
  for (const server of ['lb-2', 'lb-3']) report(server, first.root, list.length, []);
  const n = await begin(store, second, 60_000);
  const follow = fleet.follow();
  const next = () => {
    if (store.state.rollout.get(String(n))?.value.state === 'soaking') report('lb-1', second.root, list.length + 1, [0, 1, 2]);
    return follow.next();
  };
  const left = await leadRollout(n, { ...parts(store, fleet), follow: { ...follow, next } });
  assert.equal(left?.state, 'rolledBack');
  assert.match(left.why, /bad where the release runs, good where it does not/);
  assert.ok([...store.state.applied.values()].every(({ value }) => value.running === first.root));
});

test('evidence of a list that is not known, or of another length, is no evidence', async () => {
  const { store, first } = await cluster();
  const base = { epoch: 1, frozen: false, blind: false, bad: [0] };
  store.raw(keyOf('evidence', 0, 'lb-1'), encodeEvidence({ ...base, root: rootPrefix('e'.repeat(64)), length: 10 }));
  store.raw(keyOf('evidence', 0, 'lb-2'), encodeEvidence({ ...base, root: rootPrefix(first.root), length: 11 }));
  store.raw(keyOf('evidence', 0, 'lb-3'), encodeEvidence({ ...base, root: rootPrefix(first.root), length: 10 }));
  const bad = await badIn(store.state, new Contents(store));
  assert.deepEqual(
    ['lb-1', 'lb-2', 'lb-3'].map((server) => bad(server)?.size),
    [undefined, undefined, 1],
  );
});

test('a wait counts over the roster: done, failed, absent or still waiting', async () => {
  const { store, fleet } = await cluster((server) => (server === 'lb-2' ? 'disk full' : undefined));
  const wait = (allowAbsent: number, deadline: number) =>
    awaitApplied({ ...parts(store, fleet), rings: ['canary', 'rest'], revision: 0, allowAbsent, deadline: fleet.now + deadline });
  assert.equal((await wait(0, 5000)).outcome, 'failed');
  store.put('applied', ['lb-2'], { ...store.state.applied.get('lb-3')!.value });
  assert.equal((await wait(0, 5000)).outcome, 'done');
  store.items.delete(keyOf('member', 'lb-3'));
  assert.equal((await wait(0, 5000)).outcome, 'waiting', 'its key may come back');
  assert.equal((await wait(0, 60_000)).outcome, 'absent');
  assert.equal((await wait(1, 60_000)).outcome, 'done');
});

test('old releases go with their blobs; what a pointer, a server or a live rollout names stays', async () => {
  const { store, first } = await cluster();
  for (let i = 0; i < 25; i++) await publish(store, web(`10.3.0.${i}:80`), WISH);
  const live = releaseOf(store.state, 3);
  await begin(store, live);
  const cleared = await clearAway(store);
  const left = [...store.state.release.values()].map(({ value }) => value.n).toSorted((a, b) => a - b);
  assert.deepEqual(left, [1, 3, ...Array.from({ length: 20 }, (_, i) => i + 7)]);
  assert.deepEqual(cleared, { releases: 4, blobs: 4 });
  for (const n of left) await new Contents(store).of(releaseOf(store.state, n));
  assert.equal((await publish(store, web('10.4.0.1:80'), WISH)).n, 27);
  assert.ok(store.items.has(keyOf('release', first.n)));
});

test('nothing is cleared away while a release is damaged, or one is made at the same time', async () => {
  const { store } = await cluster();
  for (let i = 0; i < 25; i++) await publish(store, web(`10.3.0.${i}:80`), WISH);
  store.before = () => {
    store.before = () => undefined;
    store.put('release', [99], { ...releaseOf(store.state, 26), n: 99 });
    store.put('release', [27], { ...releaseOf(store.state, 26), n: 27 });
  };
  assert.deepEqual(await clearAway(store), { releases: 0, blobs: 0 });
  store.raw(keyOf('release', 5), Buffer.from('{'));
  assert.deepEqual(await clearAway(store), { releases: 0, blobs: 0 });
});

test('a signature is of the cluster, the root and the allowance', async () => {
  const { store } = await cluster();
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const signed = await publish(store, web('10.5.0.1:80'), { ...WISH, signKey: privateKey, removed: 0.5 });
  assert.equal(distrust(signed, 'edge', publicKey), undefined);
  assert.match(distrust({ ...signed, allow: { removed: 1 } }, 'edge', publicKey) ?? '', /not of the trusted key/);
  const unsigned = await publish(store, web('10.5.0.1:80'), { ...WISH, removed: 0.5 });
  assert.equal(signatureFrom([signed, unsigned], unsigned), signed.signature, 'back to it, nobody has to sign again');
  const again = await publish(store, web('10.5.0.1:80'), { ...WISH, removed: 0.5, signature: signed.signature });
  assert.equal(distrust(again, 'edge', publicKey), undefined);
  assert.equal(unsignedText({ release: unsigned, state: store.state }), '', 'what runs is not signed either');
  await store.commit(moveTo(signed, ['canary'], store.state));
  assert.match(unsignedText({ release: unsigned, state: store.state }), /release 2, which runs, is signed, and this is not/);
  assert.equal(unsignedText({ release: again, state: store.state }), '');
  const { allow: _, ...less } = unsigned;
  assert.equal(signatureFrom([signed], less), undefined, 'what it may remove is another');
});

test('roster, maintenance, poison and budgets are changed once, and name what is not there', async () => {
  const { store, first } = await cluster();
  const { state } = store;
  const who = { by: 'ada', at: AT, why: 'disks' };
  assert.throws(() => removeRoster(state, 'lb-9'), /lb-9 is in no roster; there are: lb-1, lb-2, lb-3/);
  assert.throws(() => beginMaintenance(state, 'm1', { ...who, subject: { server: 'lb-9' } }), /lb-9 is in no roster/);
  const entry = { ...who, subject: { server: 'lb-1' } };
  const plan = beginMaintenance(state, 'm1', entry);
  assert.ok((await store.commit(plan)).done);
  assert.equal((await store.commit(plan)).done, false);
  assert.throws(() => beginMaintenance(store.state, 'm1', entry), /a maintenance m1 already, of ada: disks/);
  assert.ok((await store.commit(endMaintenance(store.state, 'm1'))).done);
  assert.throws(() => endMaintenance(store.state, 'm1'), /no maintenance m1; there are: none/);
  assert.ok((await store.commit(putPoison(store.state, first.root, who)!)).done);
  assert.equal(putPoison(store.state, first.root, who), undefined);
  assert.ok((await store.commit(putRoster(store.state, 'lb-1', { ring: 'rest' }))).done);
  for (const each of firstBudgets(store.state)) assert.ok((await store.commit(each)).done);
  assert.deepEqual([...store.state.budgetRule.keys()].toSorted(), ['nic', 'server']);
  assert.deepEqual(firstBudgets(store.state), []);
  const change = putBudget(store.state, 'nic', { max: { servers: 2 } });
  assert.ok((await store.commit(change)).done);
  assert.equal((await store.commit(change)).done, false, 'somebody else was first');
  const { scope, max, blind } = store.state.budgetRule.get('nic')!.value;
  assert.deepEqual([scope, max, blind], ['cluster', { servers: 2 }, 1], 'what is not named stays');
  assert.throws(() => putBudget(store.state, 'nics', {}), /there is no budget nics; there are: server, nic/);
});

test('a failure of etcd names what to do', () => {
  assert.match(unreachable(new RpcError(7, 'etcdserver: permission denied')).message, /use that of the API/);
  assert.match(unreachable(new RpcError(8, 'etcdserver: mvcc: database space exceeded')).message, /etcd is full: compact/);
  const grpc = new Error('No connection established. Last error: connect ECONNREFUSED. Resolution note: ');
  assert.match(unreachable(grpc).message, /^etcd: No connection .* ECONNREFUSED; look whether the members run/);
});
