/** Keys and values in a few buffers are what a map of objects would be, and use again what is past. */
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
      }
      const own = table.get(key);
      assert.deepEqual(
        own && [own.modified, own.created],
        map.has(key) ? [map.get(key)!.modified, map.get(key)!.created] : undefined,
      );
    }
    assert.equal(table.size, map.size);
    assert.deepEqual(plain(table), plain(map), `seed ${seed}`);
    const live = [...map].reduce((sum, [key, { value }]) => sum + Buffer.byteLength(key) + value.length, 0);
    assert.ok(table.kept.bytes <= 4 * live + (256 << 10), `seed ${seed}: ${table.kept.bytes} bytes for ${live}`);
    assert.deepEqual([...table.keys()].toSorted(), [...map.keys()].toSorted());
    const unmarked = [...map].flatMap(([key, { mark }]) => (mark === 1 ? [] : [key]));
    assert.deepEqual(table.without(1).toSorted(), unmarked.toSorted());
    for (const [key, { modified, value }] of map) {
      assert.ok(table.has(key, modified, value));
      assert.ok(!table.has(key, modified + 1, value) && !table.has(key, modified, Buffer.concat([value, value, Buffer.of(1)])));
    }
  }
});

test('a table that is written for ever uses its buffers again', () => {
  for (const [keys, bytes] of [
    [1, 100],
    [50, 400],
    [2000, 300],
    [3, 100_000],
  ] as const) {
    const table = new Table();
    const buffers = new Set<ArrayBufferLike>();
    const random = randomFrom(keys);
    for (let step = 0; step < 40 * keys + 4000; step++) {
      const key = `k${Math.floor(random() * keys)}`;
      const value = Buffer.alloc(Math.ceil(bytes * (0.7 + 0.3 * random())), step % 256);
      table.set(key, { value, modified: step, created: 1, mark: 0 });
      const own = table.get(key)!;
      assert.ok(Buffer.compare(own.value, value) === 0);
      buffers.add(own.value.buffer);
    }
    assert.ok(buffers.size < 40, `${keys} keys: ${buffers.size} buffers`);
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
