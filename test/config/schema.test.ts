import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { actuators } from '../../src/act/index.ts';
import { checkKinds } from '../../src/checks/index.ts';
import { schema } from '../../src/cli/schema.ts';
import { configJsonSchema, schemasAt } from '../../src/config/json-schema.ts';
import { loadPlan } from '../../src/config/load.ts';
import { configKeys } from './keys.ts';

const root = join(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures/config');
const doc = readFileSync(join(root, 'docs/configuration.md'), 'utf8');

describe('the JSON Schema', () => {
  const validator = z.fromJSONSchema(structuredClone(configJsonSchema()) as z.core.JSONSchema.JSONSchema);
  const accepts = (name: string) => validator.safeParse(parse(readFileSync(join(fixtures, name), 'utf8'))).success;

  it('is draft 2020-12 and printed by `fourlane schema`', async () => {
    let printed = '';
    assert.equal(await schema([], { out: (text) => void (printed += text), err: assert.fail }), 0);
    assert.deepEqual(JSON.parse(printed), configJsonSchema());
    assert.equal(configJsonSchema().$schema, 'https://json-schema.org/draft/2020-12/schema');
  });

  it('has help with an example, and refuses arguments', async () => {
    let text = '';
    const io = { out: (t: string) => void (text += t), err: (t: string) => void (text += t) };
    assert.equal(await schema(['--help'], io), 0);
    assert.match(text, /Example:\n {2}fourlane schema/);
    assert.equal(await schema(['x'], io), 1);
    assert.match(text, /unexpected argument "x"/);
  });

  for (const name of readdirSync(fixtures).filter((n) => /^good-.*\.yaml$/.test(n))) {
    it(`accepts ${name}`, () => assert.ok(accepts(name)));
  }

  for (const why of [
    'unknown-key',
    'wrong-type',
    'no-nics',
    'no-real-servers',
    'check-type',
    'weight-and-panic',
    'collectors',
    'import',
  ]) {
    it(`refuses invalid-${why}.yaml, as the loader does`, () => assert.ok(!accepts(`invalid-${why}.yaml`)));
  }

  it('describes every key', () => {
    const bare = configKeys().filter((key) => key.description === '' && !/^check (?:http|ssl)\.(?:method|path)$/.test(key.path));
    assert.deepEqual(bare, []);
  });

  it('finds the alternatives of a place by the value that is there', () => {
    const value = { checks: { a: { type: 'ping' } } };
    const keys = schemasAt(['checks', 'a'], value).flatMap((s) => Object.keys(s.properties ?? {}));
    assert.deepEqual(keys, ['size', 'type', 'interval', 'timeout', 'fall', 'rise', 'connectIp', 'connectPort', 'mark']);
    assert.deepEqual(schemasAt(['nowhere', 0], value), []);
  });
});

describe('docs/configuration.md', () => {
  const rows = new Map([...doc.matchAll(/^\| `([^`]+)` \| (.+?) \| (.+) \|$/gm)].map((m) => [m[1]!, m[2]!]));

  it('has a row for every key, with its default', () => {
    for (const { path, required, default: value } of configKeys()) {
      if (path === 'checks') continue; // in a sentence of its own
      const cell = rows.get(path);
      assert.ok(cell !== undefined, `${path} is not documented`);
      if (required) assert.equal(cell, 'required', path);
      else assert.notEqual(cell, 'required', path);
      if (value !== undefined) assert.equal(cell, `\`${value.replace(/^"(.*)"$/, '$1')}\``, path);
    }
  });

  it('has no row for a key that does not exist', () => {
    const known = new Set(configKeys().map((key) => key.path));
    assert.deepEqual(
      [...rows.keys()].filter((path) => !known.has(path)),
      [],
    );
  });

  it('names every check type and actuator', () => {
    for (const { name } of checkKinds) assert.match(doc, new RegExp(`\\*\\*${name}\\*\\*`));
    const acts = readFileSync(join(root, 'docs/actuators.md'), 'utf8');
    for (const { name } of actuators) assert.match(acts, new RegExp(`^\\| \`${name}\` \\|`, 'm'));
  });

  it('shows a valid example', () => {
    const example = /```yaml\n([\s\S]+?)```/.exec(doc)?.[1] ?? '';
    const plan = loadPlan(example, 'docs/configuration.md', { hostname: 'lb' });
    assert.deepEqual(
      plan.services.map((s) => s.name),
      ['web', '[fd71::100]:53/udp'],
    );
  });
});
