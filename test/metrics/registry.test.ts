import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../../src/metrics/registry.ts';
import type { Family } from '../../src/model/family.ts';

const source = (name: string) => ({
  families: (): readonly Family[] => [{ name, help: '', type: 'gauge', labelNames: [], rows: [[]], values: [1] }],
});

test('sources are asked in the order in which they were added, also through another registry', () => {
  const inner = new Registry();
  inner.add(source('b'));
  const all = new Registry();
  all.add(source('a'), inner);
  all.add(source('d'));
  inner.add(source('c'));
  assert.deepEqual(
    all.families().map((f) => f.name),
    ['a', 'b', 'c', 'd'],
  );
});
