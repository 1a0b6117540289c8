/** Texts of a configuration and places in them. Lines and columns count from 1, columns in UTF-16 units. */

/** One file as it was read. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** The `include` that led here; undefined for the root. */
  readonly includedFrom: Span | undefined;
}

/** A part of one line; `end` is the column after its last character. */
export interface Span {
  readonly source: Source;
  readonly line: number;
  readonly column: number;
  readonly end: number;
}

const starts = new WeakMap<Source, readonly number[]>();

function startsOf(source: Source): readonly number[] {
  const known = starts.get(source);
  if (known !== undefined) return known;
  const found = [0];
  for (let i = source.text.indexOf('\n'); i >= 0; i = source.text.indexOf('\n', i + 1)) found.push(i + 1);
  starts.set(source, found);
  return found;
}

/** A line of a source as it is written, without its line end; '' when there is none. */
export function lineOf(source: Source, line: number): string {
  const all = startsOf(source);
  const start = all[line - 1];
  if (start === undefined) return '';
  const next = all[line];
  return source.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r+$/, '');
}

/** `path:line:column`. */
export function placeOf({ source, line, column }: Span): string {
  return `${source.path}:${line}:${column}`;
}

/**
 * A line as keepalived's parser sees it: without comment, variables put in, braces apart. `columns`: where its characters stand
 * in the source, as the column of the first one while they are as written, else one by one.
 */
export interface Line {
  readonly source: Source;
  readonly line: number;
  readonly text: string;
  readonly columns: number | readonly number[];
  /** It holds a variable whose value is not known here. */
  readonly unclear: boolean;
  /** The `@id` or `@^id` it depends on; '' for none. */
  readonly condition: string;
}

/** A part of a line as a place, from `start` up to before `end` (indices of its text). */
export function spanIn({ source, line, columns }: Line, start: number, end: number): Span {
  const at = (i: number) => (typeof columns === 'number' ? columns + i : (columns[i] ?? (columns.at(-1) ?? 0) + 1));
  const first = at(start);
  return { source, line, column: first, end: end > start ? Math.max(first + 1, at(end - 1) + 1) : first + 1 };
}

/** A word of a line. */
export interface Word extends Span {
  readonly text: string;
  /** It stands in `"`. */
  readonly quoted: boolean;
  /** It holds a variable whose value is not known here. */
  readonly unclear: boolean;
}

const BLANK = /[ \t\f\v\r\n]/;
const VARIABLE = /\$\{?[A-Za-z_]/;

/** What the reader finds wrong; `code` names a rule of the linter. */
export interface Problem {
  readonly code: ProblemCode;
  readonly at: Span;
  readonly message: string;
  readonly edit?: Edit;
}

/** What replaces a place; a line that is blank afterwards is left out when `dropBlank`. */
export interface Edit {
  readonly at: Span;
  readonly text: string;
  readonly dropBlank?: boolean;
}

export type ProblemCode =
  | 'byte-order-mark'
  | 'definition-loop'
  | 'extra-brace'
  | 'extra-word'
  | 'foreign-comment'
  | 'generator-invalid'
  | 'include-loop'
  | 'include-missing'
  | 'include-quoted'
  | 'include-refused'
  | 'keyword-deprecated'
  | 'keyword-misplaced'
  | 'keyword-removed'
  | 'keyword-unknown'
  | 'keywords-on-one-line'
  | 'line-too-long'
  | 'missing-brace'
  | 'missing-open-brace'
  | 'stray-backslash'
  | 'too-large'
  | 'undefined-variable'
  | 'unexpected-brace'
  | 'unterminated-quote'
  | 'value-invalid'
  | 'value-missing';

/**
 * The words of a line as keepalived's first tokeniser (alloc_strvec) makes them: blanks part words, `"` begins one with blanks in
 * it, nothing is escaped or joined. An unterminated quote ends with the line.
 */
export function wordsOf(line: Line): Word[] {
  const words: Word[] = [];
  const { text } = line;
  let i = 0;
  for (;;) {
    while (isSpace(text.charCodeAt(i))) i++;
    if (i >= text.length) return words;
    const start = i;
    if (text.charCodeAt(i) === QUOTE) {
      const close = text.indexOf('"', i + 1);
      i = close < 0 ? text.length : close + 1;
      words.push(wordIn(line, [start, i], text.slice(start + 1, close < 0 ? i : close)));
    } else {
      while (i < text.length && !endsWord(text.charCodeAt(i))) i++;
      words.push(wordIn(line, [start, i], text.slice(start, i)));
    }
  }
}

const QUOTE = 34;

/** One of `isspace` in the C locale. */
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function endsWord(code: number): boolean {
  return code <= QUOTE && (code === QUOTE || isSpace(code));
}

function wordIn(line: Line, [start, end]: readonly [number, number], text: string): Word {
  const { source, columns } = line;
  const quoted = line.text.charCodeAt(start) === QUOTE;
  const unclear = line.unclear && VARIABLE.test(text);
  if (typeof columns === 'number')
    return { source, line: line.line, column: columns + start, end: columns + end, text, quoted, unclear };
  const span = spanIn(line, start, end);
  return { source, line: line.line, column: span.column, end: span.end, text, quoted, unclear };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const ESCAPE = /\\(?:x([0-9A-Fa-f]+)|c(.)|([0-7]{1,3})|(.))/y;

/**
 * The words of a command line as keepalived's second tokeniser (alloc_strvec_quoted_escaped) makes them: `"` and `'` quote,
 * backslashes escape, adjacent parts join. undefined when a quote or an escape does not end.
 */
export function commandWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\') {
      ESCAPE.lastIndex = i;
      const match = ESCAPE.exec(text);
      if (match === null) return undefined;
      word = (word ?? '') + unescaped(match);
      i = ESCAPE.lastIndex - 1;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (BLANK.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

function unescaped([, hex, control, octal, other = '']: RegExpExecArray): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex.slice(-2), 16));
  if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) & 0x1f);
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
  return ESCAPES[other] ?? other;
}
