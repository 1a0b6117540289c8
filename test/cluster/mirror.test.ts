/** A mirror's connections: what it asks, when it gives a member up, how long it waits, and what it shows meanwhile. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { Batch } from '../../src/cluster/mirror/changes.ts';
import { Mirror, type MirrorState } from '../../src/cluster/mirror/mirror.ts';
import { pauseMs } from '../../src/cluster/mirror/pause.ts';
import { CODES, RpcError } from '../../src/cluster/transport/link.ts';
import { prefixRange } from '../../src/cluster/wire/kv.ts';
import { FakeMember } from './member.ts';

const settled = async () => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
};

describe('a mirror', () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  });
  afterEach(() => mock.timers.reset());

  async function pass(ms: number): Promise<void> {
    await settled();
    for (let left = ms; left > 0; left -= 500) {
      now += Math.min(500, left);
      mock.timers.tick(Math.min(500, left));
      await settled();
    }
  }

  function begin(take: (batch: Batch) => Promise<void> | undefined = () => undefined) {
    const member = new FakeMember();
    member.store.write({ '/p/a': 'one' });
    const [states, batches]: [MirrorState[], Batch[]] = [[], []];
    const mirror = new Mirror(
      {
        endpoints: ['https://a:1', 'https://b:1'],
        dial: member.dial,
        ranges: [prefixRange('/p/')],
        clock: () => now,
        random: () => 0.5,
      },
      {
        batch: (_, batch) => {
          batches.push(batch);
          return take(batch);
        },
        state: (state) => void states.push(state),
      },
    );
    void mirror.run();
    return { member, mirror, states, batches };
  }

  it('reads all, watches from there on, and after a cut goes on where it was', async () => {
    const { member, mirror, states, batches } = begin();
    await settled();
    assert.deepEqual(
      batches.map(({ snapshot, revision }) => [snapshot, revision]),
      [['first', 2]],
    );
    assert.deepEqual(member.watched, [3]);
    assert.deepEqual(states, [{ connected: true, endpoint: 'https://b:1', error: '', lasting: false }]);
    member.store.write({ '/p/a': 'two' });
    member.send();
    member.cut();
    await settled();
    assert.deepEqual(states.at(-1), { connected: false, endpoint: 'https://b:1', error: 'cut', lasting: false });
    member.store.write({ '/p/b': 'three' });
    await pass(100);
    assert.deepEqual(states.at(-1)!.endpoint, 'https://a:1');
    assert.deepEqual(member.watched, [3, 4], 'no second snapshot');
    member.send();
    assert.deepEqual(
      batches.map(({ revision }) => revision),
      [2, 3, 4],
    );
    assert.deepEqual(
      mirror.ranges().map(({ revision, keys }) => [revision, keys]),
      [[4, 2]],
    );
    mirror.stop();
  });

  it('asks a silent member for a sign of life, and gives it up after ten seconds without', async () => {
    const { member, mirror, states } = begin();
    await settled();
    await pass(30_000);
    assert.equal(states.length, 1, 'answers to requests of progress are enough');
    assert.equal(now - mirror.heardAt < 2501, true);
    member.silent = true;
    await pass(9500);
    assert.equal(states.length, 1);
    await pass(3500);
    assert.deepEqual([states.at(-1)!.connected, states.at(-1)!.error], [false, 'the watch is silent']);
    assert.ok(now - mirror.heardAt > 10_000, 'stale since it was last heard');
    mirror.stop();
  });

  it('reads all again when the history is compacted, and compares', async () => {
    const { member, mirror, batches } = begin();
    await settled();
    member.store.write({ '/p/a': undefined, '/p/b': 'new' });
    member.store.write({ '/p/c': 'new' });
    member.store.compacted = 4;
    member.answer({ 2: 1, 4: true, 5: 4 });
    await settled();
    assert.deepEqual(
      batches.at(-1)!.changes.map(({ key, value }) => [key, value === undefined]),
      [
        ['/p/b', false],
        ['/p/c', false],
        ['/p/a', true],
      ],
    );
    assert.equal(batches.at(-1)!.snapshot, 'compacted');
    assert.deepEqual(member.watched, [3, 5]);
    mirror.stop();
  });

  it('finds, at the next connection, that etcd was restored and has gone past what was seen', async () => {
    const { member, mirror, batches } = begin();
    await settled();
    const { store } = member;
    store.write({ '/p/a': 'lost' });
    member.send();
    store.restore(2, 2);
    store.write({ '/p/x': 'other' });
    store.write({ '/p/y': 'other' });
    member.cut();
    await pass(100);
    assert.equal(batches.at(-1)!.snapshot, 'history replaced');
    assert.deepEqual(
      batches.at(-1)!.changes.map(({ key }) => key),
      ['/p/a', '/p/x', '/p/y'],
    );
    mirror.stop();
  });

  it('shows a refusal that only a person ends, and asks again seldom', async () => {
    const { member, mirror, states } = begin();
    await settled();
    member.refuses = new RpcError(CODES.permissionDenied, 'etcdserver: permission denied');
    member.cut();
    await pass(500);
    assert.deepEqual([states.at(-1)!.lasting, states.at(-1)!.error], [true, 'etcdserver: permission denied']);
    const dials = member.dials;
    await pass(20_000);
    assert.equal(member.dials, dials);
    member.refuses = undefined;
    await pass(10_000);
    assert.equal(states.at(-1)!.connected, true);
    mirror.stop();
  });

  it('a watch that is refused for its rights ends the connection with that reason', async () => {
    const { member, mirror, states } = begin();
    await settled();
    member.answer({ 2: -1, 3: true, 4: true, 6: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied' });
    await settled();
    assert.equal(states.at(-1)!.lasting, true);
    assert.match(states.at(-1)!.error, /^watch refused: .*permission denied$/);
    mirror.stop();
  });

  it('connects again at once when the certificates on the disk are new', async () => {
    const { member, mirror, states } = begin();
    await settled();
    member.outdated = true;
    await pass(60_000);
    member.outdated = false;
    assert.equal(member.dials, 2);
    assert.ok(
      states.every(({ connected }) => connected),
      'never shown as lost',
    );
    assert.deepEqual(member.watched, [3, 3]);
    mirror.stop();
  });

  it('reads no further while whoever takes the changes is busy, and holds no member silent for that', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { member, mirror, states } = begin((batch) => (batch.snapshot === undefined ? promise : undefined));
    await settled();
    member.store.write({ '/p/a': 'two' });
    member.send();
    assert.equal(member.paused, true);
    member.silent = true;
    await pass(30_000);
    assert.equal(states.length, 1);
    resolve();
    await settled();
    assert.equal(member.paused, false);
    mirror.stop();
  });
});

describe('the pause before the next member', () => {
  it('is short in the first round, then grows to five seconds, and the whole of it is random', () => {
    const longest = (failures: number) => pauseMs(failures, 3, false, 0.999_999);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 9, 50].map((n) => Math.round(longest(n))),
      [100, 100, 100, 200, 400, 5000, 5000],
    );
    assert.equal(pauseMs(9, 3, false, 0), 0);
    assert.deepEqual(
      [0, 0.999_999].map((random) => Math.round(pauseMs(1, 3, true, random))),
      [15_000, 30_000],
    );
  });
});
