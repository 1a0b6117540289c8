import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePattern, patternProblem } from '../../src/checks/pattern/linear.ts';

/** Pattern, and texts of which some match and some do not. */
const TABLE: readonly (readonly [pattern: string, ...texts: string[]])[] = [
  ['ok', 'ok', 'all ok.', 'OK', ''],
  ['^ok$', 'ok', 'ok\n', '\nok', 'not ok'],
  ['status.*ok', 'status: ok', 'status\nok', 'status\r ok', 'status\u2028ok', 'status \u0085 ok'],
  ['"status"\\s*:\\s*"(?:UP|OK)"', '{"status" :\u00a0"UP"}', '{"status":"DOWN"}'],
  ['[^\\s]+$', 'a\ufeff', ' ', '\u3000', 'x'],
  ['\\d{2,3}', '12', '1', '١٢'],
  ['\\D', '1', 'a', '١'],
  ['^\\w+$', 'abc_9', 'é', 'a-b', 'ſ'],
  ['\\W', 'é', 'a', ' '],
  ['\\bok\\b', 'ok', 'é ok', 'éok', 'oks', 'ok_'],
  ['\\Bk', 'ok', 'k', 'ék'],
  ['\\p{L}+', 'é', '1', 'ß'],
  ['\\P{L}', 'é', '1'],
  ['[^\\p{Lu}\\d]', 'A', '7', 'a'],
  ['\\p{Script=Greek}', 'α', 'a'],
  ['\\p{Emoji_Presentation}', '😀', '1'],
  ['^.$', '😀', 'ab', 'é'],
  ['\\u{1f600}|\\ud83d\\ude01', '😀', '😁', '😂'],
  ['[\\ud83d\\ude00-\\ud83d\\ude02]', '😁', '😃'],
  ['[😀-😂]', '😁', '😃'],
  ['\\ud83d', '😀', '\ufffd'],
  ['(?i:straße|k)', 'STRASSE', 'STRAßE', '\u212a', 'x'],
  ['(?i:[^k])', 'K', '\u212a', 'j'],
  ['(?i:\\w)', 'ſ', 'é'],
  ['(?i:a(?-i:b)c)', 'AbC', 'ABC'],
  ['(?i:\\p{Lu})', 'a', '1'],
  ['(?s:a.b)', 'a\nb', 'ab'],
  ['a.b', 'a\nb', 'a b'],
  ['[\\w-]+x', '-x', 'x', '.x'],
  ['[a\\-z]', '-', 'b'],
  ['[[:alpha:]', '[', 'l', 'z'],
  ['[&&~~-]', '&', '-', 'a'],
  ['[\\b]', '\b', 'b'],
  ['[]', '', 'a'],
  ['[^]', '', '\n'],
  ['\\x41\\cJ\\t\\v\\f\\0', 'A\n\t\v\f\0', 'A'],
  ['\\{\\}\\[\\]\\(\\)\\/\\^\\$\\\\\\.\\*\\+\\?\\|', '{}[]()/^$\\.*+?|', '{'],
  ['a{02}$', 'aa', 'a'],
  ['^a{2}?b', 'aab', 'ab'],
  ['(?<name>a|b)+?c', 'abc', 'c'],
  ['(a*)*b', 'aaab', 'aaa'],
  ['(?:)', '', 'x'],
  ['#x-y "z" <q> %', '#x-y "z" <q> %', ''],
];

/** A pattern, the same for JavaScript, and that again where case does not count: V8 thinks wrongly in and behind (?i:…). */
interface Part {
  readonly own: string;
  readonly plain: string;
  readonly folded: string;
}

const ATOMS: readonly Part[] = [
  ...'.|\\d|\\D|\\w|\\W|\\s|\\S|\\n|😀|[^\\d\\s]|[a-f\\w]|[\\W_]|\\u2028'.split('|').map((each) => [each, each] as const),
  ...['aA', 'bB', 'kK', 'Ss', 'ßẞ', 'éÉ'].map((both) => [both[0]!, `[${both}]`] as const),
  ['\\x61', '[aA]'] as const,
  ['[ab]', '[aAbB]'] as const,
  ['[^a]', '[^aA]'] as const,
  ['\\p{Ll}', '[\\p{Ll}\\p{Lu}]'] as const,
].map(([own, folded]) => ({ own, plain: own, folded }));

function made(parts: readonly Part[], make: (...texts: readonly string[]) => string): Part {
  const of = (key: keyof Part) => make(...parts.map((part) => part[key]));
  return { own: of('own'), plain: of('plain'), folded: of('folded') };
}

describe('a pattern', () => {
  it('matches what it matches in JavaScript', () => {
    for (const [source, ...texts] of TABLE) {
      const own = compilePattern(source);
      const javascript = new RegExp(source, 'u');
      for (const text of texts) assert.equal(own.test(text), javascript.test(text), `/${source}/u on ${JSON.stringify(text)}`);
    }
  });

  it('matches what it matches in JavaScript, whatever it is made of', () => {
    const atom = fc.constantFrom(...ATOMS);
    const { part } = fc.letrec<{ part: Part }>((tie) => ({
      part: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc
          .tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,}', '*?'))
          .map(([inner, times]) => made([inner], (text) => text + times)),
        fc.tuple(tie('part'), tie('part')).map((parts) => made(parts, (...texts) => texts.join(''))),
        fc.tuple(tie('part'), tie('part')).map((parts) => made(parts, (...texts) => `(?:${texts.join('|')})`)),
        tie('part').map((inner) => made([inner], (text) => `(${text})*`)),
        tie('part').map(({ own, folded }) => ({ own: `(?i:${own})`, plain: `(?:${folded})`, folded: `(?:${folded})` })),
        tie('part').map((inner) => made([inner], (text) => `(?s:${text})`)),
        tie('part').map((inner) => made([inner], (text) => `^${text}`)),
        tie('part').map((inner) => made([inner], (text) => `${text}$`)),
      ),
    }));
    // Without ſ and K, which have case variants that are ASCII.
    const text = fc.string({ unit: fc.constantFrom(...Array.from('abkKsSéÉß😀1 _\n\r\u2028.')), maxLength: 8 });
    fc.assert(
      fc.property(part, fc.array(text, { minLength: 1, maxLength: 5 }), ({ own, plain }, texts) => {
        const pattern = compilePattern(own);
        const javascript = new RegExp(plain, 'u');
        for (const each of texts) assert.equal(pattern.test(each), javascript.test(each), `/${own}/u on ${JSON.stringify(each)}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time proportional to the text', () => {
    const cases = [
      ['status.*ok', `${'status'.repeat(10_000)}\nok`],
      ['\\s+OK', `${' '.repeat(60_000)}xOK`],
      ['(a+)+$', `${'a'.repeat(60_000)}b`],
      ['ready.*true', `${'ready'.repeat(12_000)}\ntrue`],
      ['(?:x+x+)+y', `${'x'.repeat(60_000)}\ny`],
    ] as const;
    for (const [source, text] of cases) {
      const pattern = compilePattern(source);
      const before = process.cpuUsage();
      assert.equal(pattern.test(text), false, source);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 200_000, `${source}: ${user + system} µs`);
    }
  });

  it('that cannot be matched in linear time is refused with the remedy', () => {
    for (const source of ['a(?=b)', 'a(?!b)', '(?<=a)b', '(?<!a)b'])
      assert.match(patternProblem(source)!, /looks ahead or behind/);
    for (const source of ['(a)\\1', '(?<n>a)\\k<n>']) assert.match(patternProblem(source)!, /refers back to a group/);
    assert.match(patternProblem('(?m:^a)')!, /flag m.*\(\?:\^\|\\n\)/);
    assert.match(patternProblem('(?i:\\bok)')!, /\\b inside of \(\?i:…\)/);
    assert.match(patternProblem('a{1001}')!, /more than 1000 times/);
    assert.match(patternProblem('(?:a{100}){11}')!, /multiply to more than 1000/);
    assert.match(patternProblem('(')!, /not a valid regular expression/);
    assert.equal(patternProblem('(?:^|\\n)ok'), undefined);
  });
});
