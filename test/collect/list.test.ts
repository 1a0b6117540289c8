import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collectors } from '../../src/collect/index.ts';
import { blockSchema } from '../../src/collect/settings.ts';

describe('the list of collectors', () => {
  for (const c of collectors) {
    it(`${c.name}: a file, a test file, defaults, a description of every setting, named metrics`, () => {
      assert.ok(existsSync(join(import.meta.dirname, `../../src/collect/${c.name}.ts`)));
      assert.ok(existsSync(join(import.meta.dirname, `${c.name}.test.ts`)));
      for (const [key, setting] of Object.entries(c.schema.shape)) {
        assert.ok((setting as { description?: string }).description, `${c.name}.${key} has no description`);
      }
      const { interval, timeout, staleAfter } = c;
      assert.partialDeepStrictEqual(blockSchema(c).parse({}), { interval, timeout, staleAfter });
      for (const m of c.metrics) {
        assert.equal(m.name.endsWith('_total'), m.type === 'counter', m.name);
        assert.notEqual(m.help, '');
      }
    });
  }
});
