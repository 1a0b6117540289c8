import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { checkKinds } from '../../src/checks/index.ts';

test('each kind has a file, a test file and a summary under its name', () => {
  for (const { name, summary } of checkKinds) {
    for (const path of [`src/checks/${name}.ts`, `test/checks/${name}.test.ts`]) assert.ok(existsSync(path), path);
    assert.ok(summary.length > 5);
  }
  assert.equal(new Set(checkKinds.map((k) => k.name)).size, checkKinds.length);
});
