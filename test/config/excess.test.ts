import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { excessIn } from '../../src/config/excess.ts';
import { loadPlan } from '../../src/config/load.ts';

const MANY = 1 << 20;

describe('excess', () => {
  const deep = /nested too deeply/;
  const long = /a text of more than 262144 characters begins here/;
  const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
    'lists in lists': ['['.repeat(MANY), deep],
    'mappings in mappings': ['{a: '.repeat(MANY), deep],
    'lists that begin on one line': [`${'- '.repeat(MANY)}x`, deep],
    'keys that begin on one line': [`${'? '.repeat(MANY)}x`, deep],
    'a quoted text': [`a: "${'x'.repeat(MANY)}"`, long],
    'a quoted text of quotes': [`a: '${"''".repeat(MANY)}'`, long],
    'a quoted text without end': [`a: "${'\\"'.repeat(MANY)}`, long],
    'a plain text': [`a: ${'x'.repeat(MANY)}`, long],
    'a plain text of several lines': [`a:\n${'  words of it\n'.repeat(MANY / 8)}`, long],
    'a block text': [`a: |\n${'  a line of it\n'.repeat(MANY / 8)}`, long],
    anchors: ['&a '.repeat(MANY), long],
  };
  for (const [name, [text, message]] of Object.entries(refused))
    it(`is refused before anything is parsed: ${name}`, () => {
      assert.match(excessIn(text)?.message ?? '', message);
      assert.throws(() => loadPlan(text, 'f.yaml', { hostname: 'lb' }), message);
    });

  it('is none in brackets, quotes and dashes inside of texts, comments and blocks', () => {
    const texts = [
      `a: "${'['.repeat(1000)}"`,
      `a: '${'{'.repeat(1000)}'`,
      `# ${'['.repeat(100_000)}\n`.repeat(20),
      `a: it's ${'- '.repeat(100)}`,
      `a: |\n${`  ${'x'.repeat(1000)}\n`.repeat(200)}`,
      `a:\n${'  - [b, c]\n'.repeat(100_000)}`,
      `a:\n${'  - "b"\n  - {c: [d]}\n'.repeat(100_000)}`,
      JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ address: `10.0.0.1:${i}`, rack: 'r' }))),
    ];
    for (const text of texts) assert.equal(excessIn(text), undefined, text.slice(0, 40));
  });

  it('property: what is not nested deeply and holds no long text is none, however it is written', () => {
    const values = fc.jsonValue({ maxDepth: 6 });
    fc.assert(
      fc.property(values, fc.boolean(), (value, flow) => {
        const text = flow ? JSON.stringify(value, null, 1) : stringify(value);
        assert.equal(excessIn(text), undefined);
      }),
    );
  });

  it('a mapping of many keys is read, and one of them twice is found', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `  k${i}: {type: tcp}`).join('\n');
    const file = (more: string) =>
      `nics: [{name: eth2}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80']}]\nchecks:\n${keys}\n${more}`;
    assert.equal(loadPlan(file('# |\t'), 'f.yaml', { hostname: 'lb' }).targets.length, 1);
    assert.throws(
      () => loadPlan(file('  k7: {type: tcp}'), 'f.yaml', { hostname: 'lb' }),
      /f\.yaml:20004:3: the same key stands twice/,
    );
  });

  it('thousands of mistakes are said in part', () => {
    const file = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join('\n');
    assert.throws(() => loadPlan(file, 'f.yaml', { hostname: 'lb' }), /and \d+ more problems/);
  });

  it('__proto__ is no key', () => {
    for (const text of ['rules: {__proto__: 1}', 'web: {"__proto__": {authentication: 1}}'])
      assert.throws(() => loadPlan(text, 'f.yaml', { hostname: 'lb' }), /a key "__proto__" has no meaning; remove it/);
  });
});
