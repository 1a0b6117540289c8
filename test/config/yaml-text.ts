/** YAML as people write configs, and as they miswrite it: what the fast reader is held against the full parser with. */
import fc from 'fast-check';

const USUAL = [
  'eth2',
  '10.1.0.1:80',
  '500ms',
  'web',
  '/run/x',
  'true',
  'null',
  '80',
  '0.5',
  'fd72::11',
  'a b',
  'tcp://192.0.2.1:179',
];

/** Words that a config holds, and words of any kind: text, numbers, what only looks like either, what means something in YAML. */
const tame = fc.oneof(fc.constantFrom(...USUAL), fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/));
const wild = fc.oneof(
  fc.constant('a b'),
  fc.constantFrom(...USUAL),
  fc.stringMatching(/^[A-Za-z0-9_./][A-Za-z0-9_./%+@=~: -]{0,8}$/),
  fc.stringMatching(/^[0-9.eExXo_:+-]{1,6}$/),
  fc.string({ maxLength: 6 }),
);
const KEY = fc.oneof(
  fc.constantFrom('name', 'nics', 'vip', 'check', 'a', 'b-1'),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,4}$/),
);

type Node =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | Mapping;
interface Mapping {
  readonly kind: 'map';
  readonly entries: readonly (readonly [key: string, value: Node])[];
}

/** Collections and words, up to three deep. */
function nodes(words: fc.Arbitrary<string>) {
  const word = fc
    .tuple(words, fc.constantFrom('', '', '', '', '', '', '"', "'"))
    .map(([text, quote]): Node => ({ kind: 'word', text: `${quote}${text}${quote}` }));
  return fc.letrec<{ map: Mapping; list: Node; node: Node; item: Node }>((tie) => ({
    map: fc.record({
      kind: fc.constant('map' as const),
      entries: fc.uniqueArray(fc.tuple(KEY, tie('node')), { selector: ([key]) => key, minLength: 1, maxLength: 4 }),
    }),
    list: fc.record({ kind: fc.constant('list' as const), items: fc.array(tie('item'), { minLength: 1, maxLength: 4 }) }),
    item: fc.oneof({ maxDepth: 2, depthSize: 'small' }, word, tie('map')),
    node: fc.oneof({ maxDepth: 2, depthSize: 'small' }, word, tie('map'), tie('list')),
  }));
}

/** The first one nearly always. */
function often<T>(usual: T, ...others: readonly T[]): T[] {
  return [...Array.from({ length: 40 }, () => usual), ...others];
}

/** How one document is laid out: decisions taken in turn, again from the front when they are used up. */
class Style {
  readonly #choices: readonly number[];
  #at = 0;
  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }
  of<T>(...options: readonly T[]): T {
    return options[(this.#choices[this.#at++ % this.#choices.length] ?? 0) % options.length]!;
  }
}

function flow(n: Node, style: Style): string {
  if (n.kind === 'word') return n.text;
  const gap = style.of('', ' ');
  const parts =
    n.kind === 'list'
      ? n.items.map((i) => flow(i, style))
      : n.entries.map(([k, v]) => `${k}:${style.of(...often(' ', '  ', ''))}${flow(v, style)}`);
  const [open, close] = n.kind === 'list' ? '[]' : '{}';
  return `${open}${gap}${parts.join(style.of(...often(', ', ',', ' , ')))}${style.of(...often('', ','))}${gap}${close}`;
}

/** Lines of a collection whose entries begin at `indent`. */
function block(n: Exclude<Node, { kind: 'word' }>, indent: number, style: Style): string[] {
  const pad = ' '.repeat(indent);
  const step = style.of(...often(2, 4, 1, 0));
  const entries: (readonly [head: string, value: Node])[] =
    n.kind === 'list' ? n.items.map((i) => ['-', i]) : n.entries.map(([k, v]) => [`${k}:`, v]);
  return entries.flatMap(([head, value]) => {
    const note = style.of(...often('', ' # note', '   ', '#x'));
    if (value.kind === 'word' || style.of(false, false, true)) return [`${pad}${head} ${flow(value, style)}${note}`];
    const inner = block(value, indent + (head === '-' ? 2 : step), style);
    if (head === '-' && inner.length > 0 && style.of(true, true, false))
      return [`${pad}- ${inner[0]!.trimStart()}`, ...inner.slice(1)];
    return [`${pad}${head}${note}`, ...inner];
  });
}

const style = fc.array(fc.nat({ max: 9999 }), { minLength: 8, maxLength: 24 }).map((choices) => new Style(choices));

/** Documents of the plain part of YAML, most of them. */
export const written = fc
  .tuple(fc.oneof(nodes(tame).map, nodes(tame).map, nodes(wild).map), style)
  .map(([m, s]) => `${s.of('', '', '---\n', '# head\n\n')}${block(m, 0, s).join('\n')}\n`);

const CHARACTERS = [
  ' ',
  '  ',
  '\n',
  '-',
  ':',
  ': ',
  '#',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  ',',
  '&',
  '*',
  '!',
  '|',
  '>',
  '%',
  '\t',
  '\\',
  '?',
  '0',
  'x',
];

/** The same with a slip: a character too many, too few or another one, a line twice or further in. */
export const miswritten = fc
  .tuple(written, fc.nat(), fc.constantFrom('insert', 'delete', 'replace', 'repeat', 'indent'), fc.constantFrom(...CHARACTERS))
  .map(([text, position, slip, character]) => {
    const at = position % text.length;
    const lines = text.split('\n');
    const line = position % lines.length;
    switch (slip) {
      case 'insert':
        return text.slice(0, at) + character + text.slice(at);
      case 'delete':
        return text.slice(0, at) + text.slice(at + 1);
      case 'replace':
        return text.slice(0, at) + character + text.slice(at + 1);
      case 'repeat':
        return lines.toSpliced(line, 0, lines[line]!).join('\n');
      case 'indent':
        return lines.toSpliced(line, 1, `${' '.repeat(1 + (position % 3))}${lines[line]}`).join('\n');
    }
  });

/** Whatever else: only the flow part of a node, or no YAML at all. */
export const anything = fc.oneof(
  fc.tuple(nodes(wild).node, style).map(([n, s]) => `a: ${flow(n, s)}\n`),
  fc.string({ unit: fc.constantFrom(...CHARACTERS, 'a', 'b:', '1'), maxLength: 24 }),
  fc.string({ unit: 'binary', maxLength: 24 }),
);
