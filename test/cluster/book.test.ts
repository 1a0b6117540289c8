/**
 * The cursor of a mirror on random histories: writers, deletions, compaction, broken streams and snapshots, events twice, a
 * header that runs ahead, fragments, etcd restored from an older snapshot.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Book } from '../../src/cluster/mirror/book.ts';
import { type Batch, isOtherHistory } from '../../src/cluster/mirror/changes.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import { prefixRange } from '../../src/cluster/wire/kv.ts';
import type { Event, WatchAnswer } from '../../src/cluster/wire/watch.ts';
import { Store } from './store.ts';

const HISTORIES = 10_000;
const STEPS = 40;
const RANGE = prefixRange('/p/');

/** xorshift: the same history for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

/** One member, one mirror, and a wire between them that breaks. */
class World {
  readonly store = new Store();
  readonly book = new Book(RANGE);
  readonly replica = new Replica();
  readonly below: (n: number) => number;
  /** The next revision that the stream delivers; undefined: there is no stream. */
  stream: number | undefined;
  values = 0;
  restores = 0;

  constructor(seed: number) {
    this.below = generator(seed);
  }

  write(): void {
    const below = this.below(8) === 0 ? '/elsewhere' : '/p';
    const keys = Array.from({ length: 1 + this.below(3) }, () => `${below}/${this.below(6)}`);
    this.store.write(Object.fromEntries(keys.map((key) => [key, this.below(4) === 0 ? undefined : `v${++this.values}`])));
  }

  take(batch: Batch | undefined): void {
    if (batch === undefined) return;
    const before = this.replica.revision;
    const changes = this.replica.apply(batch);
    if (batch.snapshot !== undefined) {
      if (batch.last && !isOtherHistory(batch.snapshot)) assert.ok(batch.revision >= before, 'went back');
      return;
    }
    assert.ok(batch.revision > before);
    const expected = this.store
      .since(before + 1)
      .slice(0, batch.revision - before)
      .flat();
    assert.deepEqual(
      changes.map(({ key, value, modified }) => [key, value && Buffer.from(value).toString(), modified]),
      expected.map(({ deleted, kv }) => [kv.key, deleted ? undefined : kv.value.toString(), kv.modified]),
      'each change of these revisions once, in order, as it was written',
    );
  }

  /** Connects: confirms, reads what is needed unless the wire breaks, and opens the stream. */
  connect(breaks: boolean): void {
    const { book, store } = this;
    this.stream = undefined;
    book.connected();
    if (book.needs === undefined) {
      const { key, revision } = book.probe();
      try {
        book.confirm(store.header, store.range({ revision }, key).items[0], store.range({ revision }).count);
      } catch (error) {
        assert.ok(book.refused(error));
      }
    }
    if (book.needs !== undefined && !this.snapshot(breaks)) return;
    this.begin();
  }

  begin(): void {
    this.book.opened();
    this.stream = this.book.revision + 1;
  }

  snapshot(breaks: boolean): boolean {
    const { book, store } = this;
    for (;;) {
      const options = book.nextPage(1 + this.below(4));
      try {
        const batch = book.page(store.range(options));
        this.take(batch);
        if (batch.last) return true;
      } catch (error) {
        assert.ok(book.refused(error), String(error));
      }
      if (breaks && this.below(3) === 0) return false;
      if (this.below(3) === 0) this.write();
      if (this.below(20) === 0) store.compacted = store.revision;
    }
  }

  answer(events: readonly Event[], more: Partial<WatchAnswer> = {}): WatchAnswer {
    const basics = { id: 1, created: false, canceled: false, compacted: 0, reason: '', fragment: false };
    return { header: this.store.header, ...basics, events, ...more };
  }

  deliver(): void {
    const { book, store } = this;
    if (this.stream === undefined) return;
    if (this.stream < store.compacted) this.take(book.watched(this.answer([], { canceled: true, compacted: store.compacted })));
    else if (this.below(5) === 0) {
      // A watcher that has seen all is sent the revision; one that lags is not.
      if (this.stream > store.revision) this.take(book.watched(this.answer([])));
    } else this.events(this.stream);
    if (book.needs === undefined) return;
    // On the same connection, or on another one.
    if (this.below(2) === 0) this.connect(true);
    else if (this.snapshot(false)) this.begin();
  }

  events(start: number): void {
    const { book, store } = this;
    // Sometimes from the past: twice.
    const from = this.below(6) === 0 ? Math.max(2, start - 2) : start;
    const revisions = store.since(from).slice(0, 1 + this.below(3) + start - from);
    const events = revisions.flat();
    if (events.length === 0) {
      this.stream = from + revisions.length;
      return;
    }
    const cut = this.below(3) === 0 ? this.below(events.length + 1) : 0;
    if (cut > 0) this.take(book.watched(this.answer(events.slice(0, cut), { fragment: true })));
    if (cut > 0 && this.below(4) === 0) {
      this.stream = undefined; // cut within a revision
      return;
    }
    this.take(book.watched(this.answer(events.slice(cut))));
    this.stream = from + revisions.length;
  }

  restore(): void {
    const { store } = this;
    store.restore(1 + this.below(store.revision), 1 + this.below(2));
    this.restores++;
    this.stream = undefined;
    for (let i = this.below(8); i > 0; i--) this.write();
  }

  step(): void {
    const kind = this.below(40);
    if (kind < 16) this.write();
    else if (kind < 30) this.deliver();
    else if (kind < 34) this.connect(true);
    else if (kind < 36) this.stream = undefined;
    else if (kind < 38) this.store.compacted = Math.max(1, this.store.revision - this.below(4));
    else if (kind === 38) this.restore();
    else this.store.term++;
  }

  settle(): void {
    this.connect(false);
    for (let i = 0; i < 200 && !this.same(); i++) {
      if (this.stream === undefined) this.connect(false);
      this.deliver();
    }
  }

  same(): boolean {
    const own = [...this.replica.items].map(
      ([key, { value, modified }]) => `${key} ${modified} ${Buffer.from(value).toString()}`,
    );
    const theirs = this.store.range().items.map((kv) => `${kv.key} ${kv.modified} ${kv.value.toString()}`);
    return own.sort().join() === theirs.sort().join() && this.book.size === theirs.length;
  }
}

describe('a mirror on random histories', () => {
  it(`ends with what etcd has, each change once and in order (${HISTORIES} histories)`, () => {
    let restores = 0;
    const counted: Record<string, number> = {};
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const world = new World(seed);
      for (let i = 0; i < STEPS; i++) world.step();
      world.settle();
      restores += world.restores;
      for (const [name, n] of Object.entries(world.book.tally)) counted[name] = (counted[name] ?? 0) + n;
      assert.ok(world.same(), `seed ${seed}: ${JSON.stringify([...world.replica.items.keys()])} at ${world.replica.revision}`);
    }
    // What is tested has happened.
    assert.ok(
      restores > HISTORIES / 2 && Object.values(counted).every((n) => n > HISTORIES / 50),
      JSON.stringify({ restores, ...counted }),
    );
  });
});

describe('a book', () => {
  const begin = () => {
    const world = new World(1);
    world.store.write({ '/p/a': 'one', '/p/b': 'two' });
    world.connect(false);
    return world;
  };

  it('does not move by the header of events, nor by the answer to `created`', () => {
    const world = begin();
    const { book, store } = world;
    for (let i = 0; i < 3; i++) store.write({ '/p/a': `${i}` });
    const at = book.revision;
    book.watched(world.answer([], { created: true }));
    assert.equal(book.revision, at);
    book.watched(world.answer(store.since(at + 1)[0]!));
    assert.equal(book.revision, at + 1);
  });

  it('needs a snapshot when a batch goes back, and when another cluster answers', () => {
    const world = begin();
    world.store.write({ '/p/a': 'x' });
    world.store.write({ '/p/b': 'y' });
    const [first, second] = world.store.since(world.book.revision + 1);
    assert.equal(world.book.watched(world.answer([...second!, ...first!])), undefined);
    assert.equal(world.book.needs, 'batch out of order');
    const other = begin();
    other.store.cluster = 11n;
    other.book.watched(other.answer([]));
    assert.equal(other.book.needs, 'cluster changed');
  });

  it('copies what it keeps, the change seen last: a message that is used again does not matter', () => {
    const world = begin();
    world.store.write({ '/p/a': 'kept' });
    const events = world.store.since(world.book.revision + 1)[0]!;
    const [{ kv }] = events as [(typeof events)[0]];
    const found = { ...kv, value: Buffer.from(kv.value) };
    world.book.watched(world.answer(events));
    kv.value.fill(0);
    world.book.connected();
    world.book.confirm(world.answer([]).header, found, world.book.size);
    assert.equal(world.book.needs, undefined);
  });
});
