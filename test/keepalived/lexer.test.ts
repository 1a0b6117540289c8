import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Found, hasWildcards, withoutBraces } from '../../src/keepalived/read/files.ts';
import { readTree } from '../../src/keepalived/read/read.ts';
import { commandWords, lineOf, placeOf } from '../../src/keepalived/read/source.ts';
import { everyStatement } from '../../src/keepalived/read/tree.ts';

/** Statements as `keyword|word|word`, in order, and the codes of problems. */
function readAs(text: string, options: { configId?: string; files?: Record<string, string> } = {}) {
  const files = (pattern: string): Found[] => {
    const content = options.files?.[pattern];
    return content === undefined ? [] : [{ path: pattern, text: content }];
  };
  const { configId } = options;
  const tree = readTree('k.conf', text, { files, ...(configId === undefined ? {} : { configId }) });
  const lines = [...everyStatement(tree.root)].map(({ keyword, args }) => [keyword, ...args].map((w) => w.text).join('|'));
  return { tree, lines, codes: tree.problems.map((p) => p.code) };
}

const block = (...lines: string[]) => `track_file f {\n${lines.join('\n')}\n}\n`;

describe('lines of a keepalived.conf', () => {
  const cases: [name: string, text: string, lines: string[], codes?: string[], options?: Parameters<typeof readAs>[1]][] = [
    ['comments by # and !', '# a\n! b\ninstance x # y\n', ['instance|x']],
    ['a comment in the middle of a word', 'instance ab!cd\n', ['instance|ab']],
    ['no comment in quotes, ever after an apostrophe', 'instance "a#b!c"\ninstance \'x#y\n', ['instance|a#b!c', "instance|'x"]],
    ['escaped marks', 'instance a\\#b\\!c\n', ['instance|a#b!c']],
    ['a quote in a comment', 'instance x # "y\ninstance z\n', ['instance|x', 'instance|z']],
    ['a quote that does not end', 'instance "x y\ninstance z\n', ['instance|x y', 'instance|z'], ['unterminated-quote']],
    ['words that touch a quote', 'instance ab"c d"ef', ['instance|ab', 'instance|c d'].slice(0, 1), ['extra-word']],
    ['braces that touch words', 'track_file f{file x}', ['track_file|f', 'file|x']],
    ['a block on one line', 'track_file f { file x }\n', ['track_file|f', 'file|x']],
    ['a brace on the next line', 'track_file f\n{\nfile x\n}\n', ['track_file|f', 'file|x']],
    ['braces in quotes', 'instance "a{b}c"\n', ['instance|a{b}c']],
    ['CRLF and tabs', 'track_file f {\r\n\tfile\tx\r\n}\r\n', ['track_file|f', 'file|x']],
    ['a byte order mark', '\uFEFFinstance x\n', ['instance|x'], ['byte-order-mark']],
    ['a blank that is none', 'instance a\u00A0b\n', ['instance|a\u00A0b']],
    ['no line end at the end', 'instance x', ['instance|x']],
    ['nothing', '', []],
    ['a definition', '$A=x\ninstance $A\ninstance pre${A}post\n', ['instance|x', 'instance|prexpost']],
    ['a definition used before it is there', 'instance $A\n$A=x\n', ['instance|$A']],
    ['definitions in definitions, put in late', '$A=<$B>\n$B=1\ninstance ${A}\n', ['instance|<$B>']],
    ['definitions in definitions', '$A=$B\n$B=1\ninstance $A\n', ['instance|1']],
    ['a definition that holds itself', '$A=$A\ninstance $A\ninstance x\n', ['instance|x'], ['definition-loop']],
    ['a $ that is no variable', 'instance a$b$ $1\n', ['instance|a$b$'], ['extra-word']],
    [
      'a definition of several lines',
      '$F=track_file f { \\\n  file x \\\n}\n$F\ninstance y\n',
      ['track_file|f', 'file|x', 'instance|y'],
    ],
    ['the hash and bang of definitions', '$P="a${_HASH}b${_BANG}"\ninstance $P\n', ['instance|a#b!']],
    [
      'a sequence',
      '~SEQ(i, 1, 3) instance x$i\n',
      ['instance|x$i', 'instance|x$i', 'instance|x$i'].map((_, i) => `instance|x${i + 1}`),
    ],
    ['a sequence downwards and in hex', '~SEQx(i, 18, -1, 16) instance ${i}\n', ['instance|12', 'instance|11', 'instance|10']],
    ['a list', '~LST({a,b},{1,2},{3,4}) instance ${a}-${b}\n', ['instance|1-2', 'instance|3-4']],
    ['a list of one', '~LST(a, x, y) instance $a\n', ['instance|x', 'instance|y']],
    [
      'a generator that is wrong',
      '~SEQ(i, 1, 0, 3) instance $i\n~LST(a) instance $a\n',
      [],
      ['generator-invalid', 'generator-invalid'],
    ],
    ['conditions, all of them', '@a instance x\n@^a instance y\n', ['instance|x', 'instance|y']],
    ['conditions for one machine', '@a instance x\n@^a instance y\n@b instance z\n', ['instance|x'], [], { configId: 'a' }],
    ['conditions for another machine', '@a instance x\n@^a instance y\n', ['instance|y'], [], { configId: 'c' }],
    ['an include', 'include a.conf\ninstance y\n', ['instance|x', 'instance|y'], [], { files: { 'a.conf': 'instance x' } }],
    [
      'an include with braces',
      'include {a,b}.conf\n',
      ['instance|x', 'instance|y'],
      [],
      { files: { 'a.conf': 'instance x', 'b.conf': 'instance y' } },
    ],
    ['an include by a variable', '$D=a\ninclude ${D}.conf\n', ['instance|x'], [], { files: { 'a.conf': 'instance x' } }],
    ['an include of nothing', 'include a.conf\ninclude b*.conf\nincludew c*.conf\n', [], ['include-missing', 'include-missing']],
    ['an include in quotes', 'include "a.conf"\n', ['instance|x'], ['include-quoted'], { files: { 'a.conf': 'instance x' } }],
    [
      'an include of itself',
      'include a.conf\n',
      ['instance|x'],
      ['include-loop'],
      { files: { 'a.conf': 'instance x\ninclude a.conf' } },
    ],
    ['a backslash at the end of a line', 'instance x \\\ninstance y\n', ['instance|x', 'instance|y'], ['stray-backslash']],
    ['a line that is too long', `instance ${'x'.repeat(1100)}\n`, [`instance|${'x'.repeat(1100)}`], ['line-too-long']],
    ['a variable nobody defined, in braces', block('weight ${W}', 'file x'), ['track_file|f', 'weight|${W}', 'file|x']],
  ];
  for (const [name, text, lines, codes = [], options] of cases) {
    it(name, () => {
      const read = readAs(text, options);
      assert.deepEqual(read.lines, lines);
      assert.deepEqual(read.codes, codes);
    });
  }

  it('bounds definitions of several lines that hold themselves', () => {
    const { codes, lines } = readAs('$B=use_pid_dir \\\n $B\n$B\ninstance y\n');
    assert.deepEqual(codes, ['definition-loop']);
    assert.equal(lines.at(-1), 'instance|y');
  });

  it('bounds includes in includes', () => {
    const text = `${'include {a,b}{c,d}{e,f}{g,h}{i,j}{k,l}\n'.repeat(3)}instance x\n`;
    const files = (pattern: string): Found[] => [{ path: `/x/${pattern}`, text }];
    const started = performance.now();
    assert.ok(readTree('k', text, { files }).problems.some(({ code }) => code === 'too-large'));
    assert.ok(performance.now() - started < 10_000);
  });

  it('bounds what generators and variables make', () => {
    const started = performance.now();
    const { codes, lines } = readAs(
      '$A=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n~SEQ(i,1,1000000000) ~SEQ(j,1,1000000000) instance $A\n',
    );
    assert.deepEqual(codes, ['too-large']);
    assert.ok(performance.now() - started < 20_000);
    // Each id of a file is read and linted as a node of its own, so that this is done several times.
    assert.ok(lines.length > 10_000 && lines.length < 120_000, `${lines.length} lines`);
  });

  it('says where words stand, also after escapes, variables and includes', () => {
    const { tree } = readAs('\t$A=long value\ntrack_file f {\n  file a\\#b  # c\n weight $A x\n}\ninclude i.conf', {
      files: { 'i.conf': '\n  instance here' },
    });
    const words = [...everyStatement(tree.root)].flatMap(({ keyword, args }) => [keyword, ...args]);
    const places = words.map((w) => `${w.text} ${placeOf(w)}-${w.end}`);
    assert.deepEqual(places, [
      'track_file k.conf:2:1-11',
      'f k.conf:2:12-13',
      'file k.conf:3:3-7',
      'a#b k.conf:3:8-12',
      'weight k.conf:4:2-8',
      'long k.conf:4:9-10',
      'value k.conf:4:9-10',
      'instance i.conf:2:3-11',
      'here i.conf:2:12-16',
    ]);
    assert.equal(words.at(-1)!.source.includedFrom?.line, 6);
    assert.equal(lineOf(words[3]!.source, 3), '  file a\\#b  # c');
  });
});

describe('the words of a command', () => {
  const cases: [text: string, words: string[] | undefined][] = [
    ['/bin/a b  c', ['/bin/a', 'b', 'c']],
    ['"/bin/a b" c', ['/bin/a b', 'c']],
    [`abcd" e "f 'g "h"'`, ['abcd e f', 'g "h"']],
    ['a\\ b \\x41\\101\\n\\cA\\q', ['a b', 'AA\n\x01q']],
    ['""', ['']],
    ['"a', undefined],
    ['a\\', undefined],
    ['', []],
  ];
  for (const [text, words] of cases) it(JSON.stringify(text), () => assert.deepEqual(commandWords(text), words));
});

describe('patterns of includes', () => {
  it('are parted at csh braces', () => {
    assert.deepEqual(withoutBraces('/e/{a,b{1,2}}.conf'), ['/e/a.conf', '/e/b1.conf', '/e/b2.conf']);
    assert.deepEqual(withoutBraces('a{b'), ['a{b']);
    assert.deepEqual(withoutBraces('a{}b'), ['a{}b']);
    assert.deepEqual(withoutBraces('{,x}y'), ['y', 'xy']);
    assert.ok(withoutBraces('{a,b}'.repeat(40)).length <= 2000);
  });
  it('have wildcards or name a file', () => {
    assert.ok(hasWildcards('*.conf') && hasWildcards('a[1]') && hasWildcards('a?'));
    assert.ok(!hasWildcards('a.conf') && !hasWildcards('a\\*b'));
  });
});
