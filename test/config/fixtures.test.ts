import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { loadPlan } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';

const folder = join(import.meta.dirname, '../fixtures/config');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const load = (name: string) => loadPlan(readFileSync(join(folder, name)), name, { hostname: 'lb' });

/** The message of the ConfigError that `name` must cause. */
function refusal(name: string): ConfigError {
  try {
    load(name);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  return assert.fail(`${name} was accepted`);
}

describe('wrong configs are refused with exactly these messages', () => {
  const invalid = files.filter((name) => name.startsWith('invalid-'));
  it('there are at least 25', () => assert.ok(invalid.length >= 25, String(invalid.length)));
  for (const name of invalid) {
    it(basename(name, '.yaml').slice('invalid-'.length), () => {
      const error = refusal(name);
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.equal(`${error.message}\n`, readFileSync(join(folder, name.replace('.yaml', '.expected')), 'utf8'));
      const places = error.problems.map((p) => p.line * 1e6 + p.column);
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
        'in the order of the file',
      );
    });
  }
});

describe('good configs', () => {
  for (const name of files.filter((n) => n.startsWith('good-'))) {
    it(basename(name, '.yaml'), () => {
      const plan = load(name);
      assert.match(plan.revision, /^[0-9a-f]{64}$/);
      assert.equal(new Set(plan.targets.map((t) => t.id)).size, plan.targets.length, 'ids are unique');
      assert.equal(new Set(plan.targets.map((t) => t.key)).size, plan.targets.length, 'keys are unique');
      assert.deepEqual(load(name), plan, 'the same file gives the same plan');
    });
  }
});

describe('secrets', () => {
  it('never reach a message', () => {
    for (const name of ['invalid-authentication.yaml', 'invalid-authentication-both.yaml']) {
      assert.doesNotMatch(refusal(name).message, /hunter2|0123456789abcdef|abab/);
    }
  });
});
