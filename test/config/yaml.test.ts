import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { loadPlan } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { parsePlainYaml } from '../../src/config/yaml-fast.ts';
import { parseYaml } from '../../src/config/yaml.ts';
import { anything, miswritten, written } from './yaml-text.ts';

/** The full parser's value, or undefined when it complains. */
function full(text: string): unknown {
  const file = parseYaml(text);
  return file.problems.length > 0 ? undefined : file.value;
}

/** Values with and without a meaning in YAML, separated by a character none of them holds. */
const words = [
  String.raw`eth2¦10.1.0.1:80¦500ms¦1s¦200-299¦true¦null¦yes¦no¦~¦1e3¦0x1f¦0o17¦.5¦5.¦1_000¦12¦007¦1.50`,
  String.raw`-1¦+1¦.inf¦.nan¦...¦1.2.3¦fd72::11`,
  String.raw`[fd72::1]:80¦a b¦a: b¦a #b¦a#b¦é¦NULL¦"x y"¦'x'¦'it''s'¦"a\n"¦#c¦- a¦-¦?¦:¦a:¦&a¦*a¦!t`,
  String.raw`|¦>¦{a: 1}¦{a: b, c: 1.5}¦[1, a]¦{}¦[]`,
  String.raw`{a: [b, {c: d}]}¦{a: b,}¦{ a: b }¦[a,b]¦{a:b}¦{a: }¦[a: b]¦{"a": b}¦{a: b c}¦`,
  String.raw`1:30¦0.0.0.0¦12:¦2001-01-01¦1e3s¦Infinity¦a,b¦a]`,
  String.raw`tcp://1.2.3.4:80¦/run/x¦x-y_z.w¦a  b¦a'b¦0x¦1.e2¦..¦0¦-0¦0.10¦%x¦@x¦=¦a=b¦<<¦1.¦.¦1.0¦Yes¦0b1¦1,5¦a?b¦a:b:¦"a"b¦'¦"`,
].flatMap((list) => list.split('¦'));
const comments = ['', ' # note', ' #', '  ', '#x'];
const heads = ['', '- ', 'a: ', 'b: ', 'a:', 'b:', '- a: ', '- b:', '-', 'true: ', '__proto__: '];

/** Lines put together at random; `tails` are the words after the heads. */
const soupOf = (tails: readonly string[]) => {
  const line = fc
    .tuple(fc.nat({ max: 2 }), fc.constantFrom(...heads), fc.constantFrom(...tails))
    .map(([depth, head, tail]) => `${'  '.repeat(depth)}${head}${tail}`);
  return fc.array(line, { minLength: 1, maxLength: 5 }).map((lines) => `${lines.join('\n')}\n`);
};

describe('the fast reader', () => {
  /** Compares both; whether the fast reader knew the text. */
  const agrees = (text: string): boolean => {
    const fast = parsePlainYaml(text);
    if (fast !== undefined) assert.deepEqual(fast, full(text), text);
    return fast !== undefined;
  };

  it('agrees with the full parser on every kind of value, or leaves it to that', () => {
    const texts = heads.flatMap((head) => words.flatMap((w) => comments.map((c) => `${head}${w}${c}\n`)));
    const nested = words.map((w) => `a: [x, {b: ${w}}, ${w}]\n`);
    const known = [...texts, ...nested].filter(agrees).length;
    assert.ok(known > 800, `it knew only ${known}`);
  });

  it('agrees with the full parser on every shape, or leaves it to that', () => {
    let known = 0;
    fc.assert(
      fc.property(soupOf(['', '', 'x', 'x', '{a: 1}']), (text) => {
        if (agrees(text)) known++;
      }),
      { numRuns: 8000, seed: 1 },
    );
    assert.ok(known > 300, `it knew only ${known}`);
  });

  it('agrees on whatever plain data is written as YAML', () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,6}$/);
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(
          fc.string({ maxLength: 8 }),
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
          fc.constantFrom('10.1.0.1:80', '1s', '1e3'),
        ),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4 }), fc.boolean(), (data, flow) => {
        const text = stringify(data, { ...(flow ? { collectionStyle: 'flow' } : {}), lineWidth: 0 });
        const fast = parsePlainYaml(text);
        if (fast !== undefined) assert.deepEqual(fast, parse(text), text);
      }),
      { numRuns: 1000, seed: 2 },
    );
  });

  it('agrees on documents as they are written, with slips, and on anything else', () => {
    for (const [texts, runs, least] of [
      [written, 9000, 3000],
      [miswritten, 9000, 1000],
      [anything, 4000, 300],
    ] as const) {
      let known = 0;
      fc.assert(
        fc.property(texts, (text) => {
          if (agrees(text)) known++;
        }),
        { numRuns: runs, seed: 5 },
      );
      assert.ok(known > least, `it knew only ${known} of ${runs}`);
    }
  });

  it('knows what config files are made of', () => {
    const text = [
      'cluster: edge-1   # label',
      'nics:',
      '- name: eth2',
      '  anchors: [192.0.2.1, "fe80::1%eth2"]',
      '  onFail:',
      '    - trackFile: {path: /run/fourlane/eth2, ok: 0}',
      '    - none',
      'services:',
      '  - vip: 10.0.0.1:80/tcp',
      '    panic: 0.5',
      "    check: {type: http, status: '200-299', headers: {}}",
      '    realServers: [10.1.0.1:80, {address: 10.1.0.2:80, weight: 50}]',
      'web:',
      '',
    ].join('\n');
    assert.deepEqual(parsePlainYaml(text), full(text));
    assert.notEqual(parsePlainYaml(text), undefined);
  });
});

describe('loading', () => {
  const load = (source: string | Uint8Array) => loadPlan(source, 'f', { hostname: 'lb' });
  const refused = (source: string | Uint8Array, message: RegExp) =>
    assert.throws(
      () => load(source),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
    );

  it('answers any text with a plan or with problems', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), soupOf(words)), (text) => {
        try {
          load(text);
        } catch (error) {
          assert.ok(error instanceof ConfigError, String(error));
          assert.ok(error.problems.length > 0);
          for (const p of error.problems) assert.ok(p.line >= 1 && p.column >= 1);
        }
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  it('answers any bytes with a plan or with problems', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => assert.throws(() => load(bytes), ConfigError)),
      { numRuns: 300, seed: 4 },
    );
  });

  it('survives deep nesting', () => {
    refused(`a: ${'['.repeat(200_000)}`, /nested too deeply|missing/);
    refused(`a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, /nested too deeply|unknown key/);
  });

  it('refuses a huge file before parsing it', () => {
    refused(new Uint8Array((64 << 20) + 1), /found 67108865 bytes; allowed: at most 67108864/);
  });

  it('prints at most 100 of many problems but carries all', () => {
    const servers = '      - nowhere:80\n'.repeat(150);
    const text = `nics: [{name: eth0}]\nservices:\n  - vip: 10.0.0.1:80/tcp\n    realServers:\n${servers}`;
    assert.throws(
      () => load(text),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.problems.length, 150);
        assert.equal(error.message.split('\n').length, 101);
        return error.message.endsWith('and 50 more problems');
      },
    );
  });
});
