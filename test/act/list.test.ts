import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { actuators, identityOf } from '../../src/act/index.ts';

describe('the list of actuators', () => {
  for (const { name, summary, schema, scopes, concurrency } of actuators) {
    it(`${name}: a file, a test file, a summary, and a description of every parameter`, () => {
      const file = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      assert.ok(existsSync(join(import.meta.dirname, `../../src/act/${file}.ts`)));
      assert.ok(existsSync(join(import.meta.dirname, `${file}.test.ts`)));
      assert.ok(summary.length > 0 && scopes.length > 0 && concurrency > 0);
      for (const [key, parameter] of Object.entries(schema.shape)) {
        assert.ok((parameter as { description?: string }).description, `${name}.${key} has no description`);
      }
    });
  }

  it('has each name once', () => assert.equal(new Set(actuators.map((a) => a.name)).size, actuators.length));

  it('gives an actuator that is not in it no identity', () => assert.equal(identityOf({ type: 'later' }), ''));
});
