import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Content } from '../../src/cluster/release/content.ts';
import { until } from '../../src/lab/until.ts';
import { AT, FakeServer, PREFIX } from './agent-world.ts';

/** `count` services of ten real servers each. */
function content(count: number, weight = 100): Content {
  const realServers = Array.from({ length: 10 }, (_, k) => ({ address: `10.1.0.${k + 1}:80`, weight: k === 0 ? weight : 100 }));
  const services = Array.from({ length: count }, (_, k) => [`web${k}`, { vip: `10.0.0.${k + 1}:80/tcp`, realServers }] as const);
  return { services: new Map(services), base: {} };
}

async function server(t: TestContext, begins = true): Promise<FakeServer> {
  const made = new FakeServer();
  t.after(async () => {
    await made.agent?.stop();
    made.close();
  });
  made.etcd.put('roster', ['lb-1'], { ring: 'all' });
  if (begins) await made.begin();
  return made;
}

async function reported(made: FakeServer, n: number, state: string) {
  const found = () => made.etcd.applied();
  await until(`${state} ${n}: ${JSON.stringify(found())} ${made.lines.join('; ')}`, 4000, () => {
    return found()?.release === n && found()?.state === state;
  });
  return found()!;
}

test('a release is fetched, applied and reported; of the next one only what changed is read; then it is good', async (t) => {
  const made = await server(t);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(20)));
  const first = await reported(made, 1, 'applied');
  assert.equal(first.running, made.applied);
  assert.deepEqual(
    [first.boot, made.etcd.held.has(`${PREFIX}member/lb-1`)],
    ['b1', true],
    'it announces itself once it runs what it should',
  );
  made.etcd.asked.length = 0;
  const changed = content(20);
  (changed.services as Map<string, object>).set('web3', { ...changed.services.get('web3'), panic: 0.2 });
  made.etcd.put('target', ['all'], made.etcd.release(2, changed));
  await reported(made, 2, 'applied');
  assert.equal(made.etcd.asked.filter((key) => key.startsWith('blob/')).length, 1);
  made.now += 1000;
  await until('good', 3000, () => made.agent!.status.lastGood === made.applied);
});

test('what stands there when a server comes is applied as soon as all of it is read', async (t) => {
  const made = await server(t, false);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  await made.begin();
  await reported(made, 1, 'applied');
});

test('what was good here is gone back to, however much that removes; anything else is not', async (t) => {
  const made = await server(t);
  const one = made.etcd.release(1, content(5));
  made.etcd.put('target', ['all'], one);
  await reported(made, 1, 'applied');
  made.now += 1000;
  await until('good', 3000, () => made.agent!.status.lastGood === one.root);
  const two = made.etcd.release(2, content(10));
  made.etcd.put('target', ['all'], two);
  await reported(made, 2, 'applied');
  made.etcd.put('target', ['all'], made.etcd.release(3, content(6)));
  assert.match((await reported(made, 3, 'refused')).error!, /removes 4 of 10 VIPs/);
  made.etcd.put('target', ['all'], one);
  assert.equal((await reported(made, 1, 'applied')).running, one.root, 'the last good one');
  made.etcd.put('target', ['all'], two);
  await reported(made, 2, 'applied');
  made.now += 1000;
  await until('good', 3000, () => made.agent!.status.lastGood === two.root);
  made.etcd.put('target', ['all'], one);
  assert.equal((await reported(made, 1, 'applied')).running, one.root, 'the one before it');
});

test('etcd that does not answer is asked again, and a report that can not be written is written later', async (t) => {
  const made = await server(t);
  made.etcd.failing = 6;
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  await until('a problem that is shown', 2000, () =>
    made.agent!.status.problems.some((each) => /not here yet.*no member/.test(each)),
  );
  await reported(made, 1, 'applied');
  assert.deepEqual(made.agent!.status.problems, []);
});

test('what is damaged on the disk is fetched again, of what runs, too; damage in etcd refuses the release', async (t) => {
  const made = await server(t);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  await reported(made, 1, 'applied');
  const blobs = join(made.dir, 'cluster', 'blobs');
  for (const name of readdirSync(blobs)) writeFileSync(join(blobs, name), 'damaged');
  made.etcd.put('target', ['all'], made.etcd.release(2, content(2, 50)));
  await reported(made, 2, 'applied');
  const releases = join(made.dir, 'cluster', 'releases');
  for (const name of readdirSync(releases)) rmSync(join(releases, name));
  made.etcd.put('target', ['all'], made.etcd.release(3, content(2, 60)));
  await reported(made, 3, 'applied');
  const damaged = made.etcd.release(4, content(2, 70));
  for (const [key] of made.etcd.entries)
    if (key.startsWith(`${PREFIX}blob/`)) made.etcd.set(key.slice(PREFIX.length), Buffer.from('damaged'));
  made.etcd.put('target', ['all'], damaged);
  assert.match((await reported(made, 4, 'refused')).error!, /cannot be unpacked/);
});

test('what runs is nowhere any more: nothing is compared with it, and a start begins with what is whole', async (t) => {
  const made = await server(t);
  const one = made.etcd.release(1, content(2));
  made.etcd.put('target', ['all'], one);
  await reported(made, 1, 'applied');
  rmSync(join(made.dir, 'cluster', 'releases', `${one.root}.json`));
  made.etcd.set('release/1', undefined);
  made.etcd.put('target', ['all'], made.etcd.release(2, content(2, 50)));
  assert.match((await reported(made, 2, 'refused')).error!, /cannot be compared with what runs, .*; restart the agent/);
  await made.agent!.stop();
  await made.begin();
  await reported(made, 2, 'applied');
});

test('a pointer of another ring, or of an etcd that was restored, counts although its number is smaller', async (t) => {
  const made = await server(t);
  const [one, two] = [made.etcd.release(1, content(2)), made.etcd.release(2, content(2, 50))];
  made.etcd.put('target', ['other'], two);
  made.etcd.put('target', ['all'], one);
  await reported(made, 1, 'applied');
  made.etcd.put('roster', ['lb-1'], { ring: 'other' });
  await reported(made, 2, 'applied');
  made.etcd.revision = 3;
  made.etcd.put('target', ['other'], one);
  await reported(made, 1, 'applied');
});

test('what cannot be read is named and changes nothing', async (t) => {
  const made = await server(t);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  await reported(made, 1, 'applied');
  made.etcd.set('target/all', Buffer.from('{"release":2'));
  made.etcd.set('poison/zz', Buffer.from('[]'));
  const { problems, state } = made.agent!.status;
  assert.equal(state, 'applied');
  assert.equal(problems.length, 2);
  assert.match(problems[0]!, /^target\/all: found "\{\\"release\\":2", which is no JSON/);
  made.etcd.set('roster/lb-1', undefined);
  assert.ok(made.agent!.status.problems.includes('this server is not in the roster'));
});

test('maintenance ends by the clock', async (t) => {
  const made = await server(t);
  const end = new Date(made.wall + 60_000).toISOString();
  made.etcd.put('maintenance', ['m1'], { by: 'ops', at: AT, why: 'disks', subject: { server: 'lb-1' }, until: end });
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  await reported(made, 1, 'held');
  assert.match(made.agent!.status.held!, /in maintenance by ops until .*: disks \(m1\)/);
  made.wall += 60_000;
  made.etcd.changed();
  await reported(made, 1, 'applied');
});

test('a process that ends at any moment of a release, twice, runs what was good; a third does not try again', async (t) => {
  for (const moment of ['saved', 'apply', 'applied'] as const) {
    const made = await server(t);
    made.etcd.put('target', ['all'], made.etcd.release(1, content(3)));
    const { running: good } = await reported(made, 1, 'applied');
    made.now += 1000;
    await until('good', 3000, () => made.etcd.applied()?.lastGood === good);
    made.killAt = [moment, 2];
    made.etcd.put('target', ['all'], made.etcd.release(2, content(3, 50)));
    for (const time of [1, 2]) {
      await until(`killed at ${moment}, ${time}`, 3000, () => made.killed);
      await made.begin();
      assert.equal(made.applied, good);
    }
    const { error } = await reported(made, 2, 'refused');
    assert.match(error!, /the root is poison: the agent ended unexpectedly 2 times while it ran release 2/);
    await until('in etcd', 2000, () => [...made.etcd.entries.keys()].some((key) => key.startsWith(`${PREFIX}poison/`)));
    assert.equal(made.applied, good);
  }
});

test('a disk that takes no record: nothing is applied that could crash unknown, and what runs goes on', async (t) => {
  const made = await server(t);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(2)));
  const { running } = await reported(made, 1, 'applied');
  const record = join(made.dir, 'cluster', 'record.json');
  rmSync(record);
  mkdirSync(join(record, 'in the way'), { recursive: true });
  made.etcd.put('target', ['all'], made.etcd.release(2, content(2, 50)));
  assert.match((await reported(made, 2, 'failed')).error!, /cannot write .*record\.json/);
  assert.equal(made.applied, running);
});

test('a release that failed is tried again once, and the data plane put right once, where the file says so', async (t) => {
  const made = await server(t);
  made.etcd.put('target', ['all'], made.etcd.release(1, content(5)));
  await reported(made, 1, 'applied');
  made.fails = 'EPERM';
  made.differs = { count: 1, samples: ['ipvs: web 10.1.0.1:80 is not ok'] };
  made.etcd.put('target', ['all'], made.etcd.release(2, content(5, 50)));
  await reported(made, 2, 'failed');
  made.drift = { configuration: 'repair', dataPlane: 'repair' };
  await until('both repaired', 8000, () => made.repaired === 1 && made.etcd.applied()?.attempt === 2);
  assert.equal((await reported(made, 2, 'failed')).error, 'EPERM');
  assert.equal(made.etcd.applied()!.drift.count, 1, 'it is reported in any case');
  assert.deepEqual(made.agent!.status.repairs, { configuration: 1, dataPlane: 1 });
  assert.equal(made.lines.filter((line) => /tried once more|put right once/.test(line)).length, 2);
});
