/** What passes to the judge's thread: never more at once than it takes in a moment, nothing lost on the way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Batch, Change } from '../../src/cluster/mirror/changes.ts';
import { Replica } from '../../src/cluster/mirror/replica.ts';
import {
  MOST_BYTES,
  MOST_CHANGES,
  Outbox,
  PageMemory,
  readPage,
  type Sheet,
  sheetsOf,
  writePage,
} from '../../src/cluster/thread/pages.ts';

const change = (i: number, bytes = 200): Change => ({
  key: `/fourlane/edge-1/k/${i}`,
  value: new Uint8Array(bytes).fill(i),
  modified: i + 1,
  created: i + 1,
  lease: BigInt(i),
});
const batch = (changes: readonly Change[], more: Partial<Batch> = {}): Batch => ({
  changes,
  revision: 9_000_000,
  snapshot: 'first',
  last: true,
  ...more,
});

/** What the other thread reads of a page, and keeps. */
function passed(sheet: Sheet): readonly Change[] {
  const memory = new PageMemory();
  const message = structuredClone(writePage(memory, sheet));
  const { changes } = readPage(new PageMemory(memory.buffer), message);
  return changes.map(({ value, ...change }) => ({ ...change, value: value && new Uint8Array(value) }));
}

describe('pages', () => {
  it('of 100 000 keys are small, and hold all of them in order', () => {
    const changes = Array.from({ length: 100_000 }, (_, i) => change(i));
    const sheets = sheetsOf(2, batch(changes));
    const bytes = (sheet: Sheet) => sheet.changes.reduce((sum, { value }) => sum + value!.length, 0);
    assert.ok(sheets.every((sheet) => sheet.changes.length <= MOST_CHANGES && bytes(sheet) <= MOST_BYTES));
    assert.deepEqual(sheets.map(({ last }) => last).lastIndexOf(false), sheets.length - 2);
    assert.ok(sheets.every(({ range, snapshot, revision }) => range === 2 && snapshot === 'first' && revision === 9_000_000));
    assert.deepEqual(sheets.flatMap(passed), changes);
  });

  it('hold deletions, values without a byte and one that is longer than a page', () => {
    const gone: Change = { key: 'gone', value: undefined, modified: 7, created: 0, lease: 0n };
    const changes = [gone, change(1, 0), change(2, 3 * MOST_BYTES), change(3), gone];
    const sheets = sheetsOf(0, batch(changes));
    assert.deepEqual(
      sheets.map((sheet) => sheet.changes.length),
      [2, 1, 2],
    );
    assert.deepEqual(sheets.flatMap(passed), changes);
    const edge = [change(4, MOST_BYTES), change(5, MOST_BYTES + 1)];
    assert.deepEqual(sheetsOf(0, batch(edge)).flatMap(passed), edge);
    assert.deepEqual(
      sheetsOf(0, batch([])).map((sheet) => [sheet.last, passed(sheet).length]),
      [[true, 0]],
    );
  });

  it('go through the same memory one after the other, and no buffer is made for them', () => {
    const memory = new PageMemory();
    const first = readPage(memory, writePage(memory, { range: 0, ...batch([change(1), change(2)]) }));
    assert.ok(first.changes.every(({ value }) => value!.buffer === memory.buffer));
    const second = writePage(memory, { range: 0, ...batch([change(3)]) });
    assert.deepEqual([...first.changes[0]!.value!], [...change(3).value!], 'what was there is no longer');
    assert.ok(Object.values(second).every((part) => !ArrayBuffer.isView(part)));
  });
});

describe('the outbox', () => {
  it('sends a page when the one before is taken, and asks the mirror to wait while much is left', async () => {
    const sent: Sheet[] = [];
    const outbox = new Outbox((sheet) => sent.push(sheet));
    assert.equal(outbox.take(0, batch([change(1)])), undefined);
    assert.equal(outbox.take(0, batch([change(2)])), undefined);
    assert.equal(sent.length, 1);
    outbox.taken();
    outbox.taken();
    assert.equal(sent.length, 2);
    const large = Array.from({ length: 100 }, (_, i) => change(i, MOST_BYTES));
    const room = outbox.take(1, batch(large));
    assert.ok(room !== undefined && outbox.take(1, batch([change(0)])) === room);
    let open = false;
    void room.then(() => (open = true));
    for (let i = 0; i < 30; i++) outbox.taken();
    await new Promise(setImmediate);
    assert.equal(open, false);
    for (let i = 0; i < 60; i++) outbox.taken();
    await new Promise(setImmediate);
    assert.equal(open, true);
    assert.equal(outbox.take(1, batch([change(0)])), undefined);
  });
});

describe('a replica', () => {
  it('reports what differs, and is complete when the last page of a snapshot is there', () => {
    const replica = new Replica();
    assert.equal(replica.complete, false);
    assert.equal(replica.apply(batch([change(1)], { last: false })).length, 1);
    assert.equal(replica.complete, false);
    replica.apply(batch([change(2)]));
    assert.deepEqual([replica.complete, replica.revision, replica.items.size], [true, 9_000_000, 2]);
    const again = replica.apply(batch([change(1), { ...change(2), modified: 50 }], { snapshot: 'history replaced' }));
    assert.deepEqual(
      again.map(({ key }) => key),
      ['/fourlane/edge-1/k/2'],
    );
    const gone: Change = { key: change(1).key, value: undefined, modified: 60, created: 0, lease: 0n };
    assert.deepEqual(replica.apply(batch([gone], { snapshot: undefined, revision: 60 })), [gone]);
    assert.deepEqual([...replica.items.keys()], ['/fourlane/edge-1/k/2']);
  });

  it('of a mirror that was made again finds what is gone meanwhile', () => {
    const replica = new Replica();
    replica.apply(batch([change(1), change(2)]));
    replica.renewed();
    const changes = replica.apply(batch([change(2)], { revision: 9_000_001 }));
    assert.deepEqual(
      changes.map(({ key, value, modified }) => [key, value, modified]),
      [['/fourlane/edge-1/k/1', undefined, 9_000_001]],
    );
    assert.deepEqual([...replica.items.keys()], ['/fourlane/edge-1/k/2']);
  });
});
