/** `~SEQ(…)` and `~LST(…)`: one line that stands for many. */

export interface Generator {
  /** Names and, one after another, the values they get. */
  readonly names: readonly string[];
  readonly values: Iterable<readonly string[]>;
  /** Index in the text at which the line begins that is made again and again. */
  readonly rest: number;
}

const SEQ = /^~SEQ(x?)[ \t]*\([ \t]*([^ \t,)]+)[ \t]*,([^)]*)\)[ \t]*/;
const INTEGER = /^[ \t]*([+-]?(?:0[xX][0-9A-Fa-f]+|\d+))?[ \t]*$/;

/** @returns undefined when it is not valid */
export function generatorOf(text: string, resolve: (text: string) => string): Generator | undefined {
  return text.startsWith('~SEQ') ? sequenceOf(text, resolve) : listOf(text);
}

function sequenceOf(text: string, resolve: (text: string) => string): Generator | undefined {
  const match = SEQ.exec(text);
  if (match === null) return undefined;
  const [whole, hex, name, list] = match;
  const numbers = resolve(list!)
    .split(',')
    .map((part) => {
      const digits = INTEGER.exec(part);
      return digits === null ? Number.NaN : Number(digits[1] ?? 0);
    });
  if (numbers.length > 3 || numbers.some((n) => !Number.isSafeInteger(n))) return undefined;
  const [start, step, end] = bounds(numbers);
  if (step === 0 || (end - start) * step < 0 || (hex !== '' && Math.min(start, end) < 0)) return undefined;
  return { names: [name!], values: counting({ start, step, end, radix: hex === '' ? 10 : 16 }), rest: whole.length };
}

/** `end`, `start,end` or `start,step,end`, as add_seq completes them. */
function bounds(numbers: readonly number[]): [start: number, step: number, end: number] {
  const [first = 0, second, third] = numbers;
  if (second === undefined) return [first < 0 ? -1 : 1, first < 1 ? -1 : 1, first];
  if (third === undefined) return [first, first <= second ? 1 : -1, second];
  return [first, second, third];
}

function* counting(range: { start: number; step: number; end: number; radix: number }): IterableIterator<readonly string[]> {
  const { start, step, end, radix } = range;
  for (let n = start; step > 0 ? n <= end : n >= end; n += step) yield [n.toString(radix)];
}

/** `~LST(name, a, b)` and `~LST({n1, n2}, {a1, a2}, {b1, b2})`. */
function listOf(text: string): Generator | undefined {
  const scanner = new Scanner(text, '~LST'.length);
  if (!scanner.eat('(')) return undefined;
  const names = scanner.items();
  if (names === undefined || names.some((name) => name === '')) return undefined;
  const values: string[][] = [];
  while (scanner.eat(',')) {
    const items = scanner.items();
    if (items === undefined || items.length > names.length) return undefined;
    values.push(names.map((_, i) => items[i] ?? ''));
  }
  if (values.length === 0 || !scanner.eat(')')) return undefined;
  return { names, values, rest: scanner.position };
}

class Scanner {
  readonly #text: string;
  position: number;

  constructor(text: string, position: number) {
    this.#text = text;
    this.position = position;
  }

  /** Takes a mark and the blanks around it. */
  eat(mark: string): boolean {
    this.#blanks();
    if (this.#text[this.position] !== mark) return false;
    this.position++;
    this.#blanks();
    return true;
  }

  /** One item, or several in braces. */
  items(): string[] | undefined {
    if (!this.eat('{')) return [this.#item()];
    const items = [this.#item()];
    while (this.eat(',')) items.push(this.#item());
    return this.eat('}') ? items : undefined;
  }

  #item(): string {
    const start = this.position;
    while (this.position < this.#text.length && !' \t,(){}'.includes(this.#text[this.position]!)) this.position++;
    return this.#text.slice(start, this.position);
  }

  #blanks(): void {
    while (this.#text[this.position] === ' ' || this.#text[this.position] === '\t') this.position++;
  }
}
