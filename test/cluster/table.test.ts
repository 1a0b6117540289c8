/** Keys and values in a few buffers are what a map of objects would be, and let go of what is past. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Table } from '../../src/cluster/mirror/table.ts';
import { randomFrom } from '../judge/world.ts';

const plain = (items: Iterable<readonly [string, { readonly value: Uint8Array; readonly modified: number }]>) =>
  [...items].map(([key, { value, modified }]) => [key, modified, Buffer.from(value).toString('base64')].join(' ')).toSorted();

test('a table is what a map is, whatever is put, changed and deleted', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomFrom(seed);
    const upTo = (n: number) => Math.floor(random() * n);
    const table = new Table();
    const map = new Map<string, { value: Uint8Array; modified: number; created: number; mark: number }>();
    const keys = Array.from({ length: 1 + upTo(400) }, (_, i) => `/fourlane/${'ä'.repeat(upTo(3))}${i}`);
    const views: [Uint8Array, string][] = [];
    for (let step = 0; step < 3000; step++) {
      const key = keys[upTo(keys.length)]!;
      if (random() < 0.3) {
        table.delete(key);
        map.delete(key);
      } else {
        const value = Buffer.alloc(random() < 0.01 ? upTo(200_000) : upTo(300), upTo(256));
        const entry = { value, modified: step, created: upTo(step + 1), mark: upTo(2) };
        table.set(key, entry);
        map.set(key, entry);
        if (random() < 0.01) views.push([table.get(key)!.value, value.toString('hex')]);
      }
      const own = table.get(key);
      assert.deepEqual(
        own && [own.modified, own.created],
        map.has(key) ? [map.get(key)!.modified, map.get(key)!.created] : undefined,
      );
    }
    assert.equal(table.size, map.size);
    assert.deepEqual(plain(table), plain(map), `seed ${seed}`);
    assert.deepEqual([...table.keys()].toSorted(), [...map.keys()].toSorted());
    const unmarked = [...map].flatMap(([key, { mark }]) => (mark === 1 ? [] : [key]));
    assert.deepEqual(table.without(1).toSorted(), unmarked.toSorted());
    for (const [key, { modified, value }] of map) {
      assert.ok(table.has(key, modified, value));
      assert.ok(!table.has(key, modified + 1, value) && !table.has(key, modified, Buffer.concat([value, value, Buffer.of(1)])));
    }
    for (const [view, was] of views) assert.equal(Buffer.from(view).toString('hex'), was, 'what was read stays as it was read');
  }
});

test('100 000 keys are some hundred buffers, and what is past is let go', () => {
  const table = new Table();
  const value = Buffer.alloc(200, 'x');
  const put = (i: number, modified: number) => table.set(`/fourlane/edge-1/k/${i}`, { value, modified, created: 1, mark: 0 });
  for (let i = 0; i < 100_000; i++) put(i, 1);
  assert.ok(table.kept.buffers < 250, `${table.kept.buffers} buffers`);
  const { bytes } = table.kept;
  for (let i = 0; i < 100_000; i++) put((i * 7919) % 100_000, 2);
  assert.ok(table.kept.bytes < 2.2 * bytes, `${table.kept.bytes} bytes of ${bytes}`);
  for (let i = 0; i < 99_990; i++) table.delete(`/fourlane/edge-1/k/${i}`);
  assert.equal(table.size, 10);
  assert.ok(table.kept.bytes <= 11 * (128 << 10), `${table.kept.bytes}`);
  const small = new Table();
  for (let k = 0; k < 10_000; k++) small.set('target/r1', { value: Buffer.alloc(100), modified: k, created: 1, mark: 0 });
  assert.ok(small.kept.bytes <= 8192, `${small.kept.bytes}`);
});
