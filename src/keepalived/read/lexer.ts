/**
 * The lines of a configuration as keepalived's parser sees them (read_line of parser.c): includes followed, comments away, lines
 * of other machines left out, variables put in, generators run, braces apart. Linear in the length of what is read and made; both
 * are bounded.
 */
import { decomment, isBlank } from './decomment.ts';
import { type Definition, Definitions } from './definitions.ts';
import { type Files, hasWildcards, INCLUDES, withoutBraces } from './files.ts';
import { generatorOf } from './generators.ts';
import {
  MOST_CHARACTERS,
  MOST_DEPTH,
  MOST_FILES,
  MOST_GENERATED,
  LINE_COST,
  MOST_LINE,
  MOST_MADE,
  MOST_PROBLEMS,
} from './limits.ts';
import { type Line, type Problem, type Source, type Span, spanIn } from './source.ts';

export interface LexerOptions {
  readonly files: Files;
  /** What `@id` is compared with; undefined: every line counts, whatever its condition. */
  readonly configId: string | undefined;
}

const INCLUDE = /^(include[rmwba]?)[ \t\f\v]+(.*)$/;
const DEFINITION = /^\$([A-Za-z_]\w*)=[ \t]*/;
const SPECIAL = /[!#"\\]/g;
const BRACE = /[{}]/;

/** What gets the lines, in order, parted at their braces. */
export interface Sink {
  /** A line without braces, or a part of one. */
  readonly line: (line: Line) => void;
  /** The brace at an index of a line. */
  readonly brace: (char: '{' | '}', line: Line, index: number) => void;
}
const REFUSED = {
  directory: 'is a directory',
  executable: 'is executable',
  unreadable: 'can not be read',
  'too large': 'is too large',
} as const;

export class Lexer {
  readonly problems: Problem[] = [];
  readonly sources: Source[] = [];
  /** Includes as written, each with its place. */
  readonly includes: { readonly pattern: string; readonly at: Span }[] = [];
  /** Ids that lines depend on. */
  readonly conditions = new Set<string>();
  /** Lines that define, with the whole value in one text. */
  readonly definitions: Definition[] = [];
  readonly #definitions = new Definitions();
  readonly #options: LexerOptions;
  readonly #sink: Sink;
  #generated = 0;
  /** Patterns of includes that were looked for. */
  #patterns = 0;
  /** Lines that are being made by one another. */
  #depth = 0;
  #read = 0;
  /** The definition whose lines go on. */
  #growing: Definition | undefined;
  /** Includes one after another. */
  readonly #open: string[] = [];
  #reported = new Set<string>();

  constructor(options: LexerOptions, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
  }

  readonly report = (problem: Problem): void => {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
  };

  /** Reads a file and what it includes. */
  readFile(path: string, text: string, includedFrom?: Span): void {
    const source: Source = { path, text, includedFrom };
    this.#read += text.length;
    if (this.#read > MOST_CHARACTERS || this.sources.length >= MOST_FILES) {
      this.#once({ code: 'too-large', at: includedFrom ?? startOf(source), message: 'more is included than fourlane reads' });
      return;
    }
    this.sources.push(source);
    this.#open.push(path);
    let number = 0;
    /** The next character at or after the line that may make it other than plain; the length of the text for none. */
    let special = -1;
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf('\n', start);
      let end = newline < 0 ? text.length : newline;
      const next = end + 1;
      while (end > start && text.charCodeAt(end - 1) === 13) end--;
      number++;
      if (special < start) special = nextSpecial(text, start);
      const isPlain = special >= end && this.#growing === undefined && end - start <= MOST_LINE && number > 1;
      if (isPlain) this.#plain(source, number, [start, end]);
      else this.#physical(source, number, text.slice(start, end));
      start = next;
    }
    this.#open.pop();
  }

  /** A line without comment, quote, escape and definition going on. */
  #plain(source: Source, number: number, [start, end]: readonly [number, number]): void {
    const [from, to] = withoutBlanks(source.text, start, end);
    if (from === to) return;
    const text = source.text.slice(from, to);
    this.#logical({ source, line: number, text, columns: from - start + 1, unclear: false, condition: '' }, false);
  }

  #physical(source: Source, number: number, raw: string): void {
    let written = raw;
    let base = 1;
    const whole = () => ({ source, line: number, column: 1, end: Math.max(2, raw.length + 1) });
    if (number === 1 && raw.charCodeAt(0) === 0xfeff) {
      const at = { source, line: 1, column: 1, end: 2 };
      this.report({ code: 'byte-order-mark', at, message: 'the file begins with a byte order mark', edit: { at, text: '' } });
      written = raw.slice(1);
      base = 2;
    }
    if (written.length > MOST_LINE)
      this.report({ code: 'line-too-long', at: whole(), message: `the line has ${written.length} characters` });
    const line = this.#uncommented({ source, number, base }, written);
    if (this.#growing !== undefined) return this.#grow(line);
    if (line.text !== '') this.#logical(line, false);
  }

  #uncommented({ source, number, base }: { source: Source; number: number; base: number }, written: string): Line {
    const common = { source, line: number, unclear: false, condition: '' };
    const found = decomment(written);
    if (found.openQuote >= 0) {
      const at = { source, line: number, column: base + found.openQuote, end: base + written.length };
      this.report({ code: 'unterminated-quote', at, message: 'the quote that begins here does not end on its line' });
    }
    if (found.removed.length === 0 && !found.continues) return { ...common, text: found.text, columns: base + found.start };
    const columns: number[] = [];
    const removed = new Set(found.removed);
    for (let i = found.start; columns.length < found.text.length; i++) if (!removed.has(i)) columns.push(base + i);
    if (found.continues) columns[columns.length - 1] = base + written.length - 1;
    return { ...common, text: found.text, columns };
  }

  #grow(line: Line): void {
    const definition = this.#growing!;
    const goes = line.text.endsWith('\\');
    const text = goes ? line.text.slice(0, -1).trimEnd() : line.text;
    if (text !== '') definition.lines.push({ ...line, text });
    if (!goes) this.#growing = undefined;
  }

  /** A line from a file, a definition of several lines or a generator. */
  #logical(line: Line, isMade: boolean): void {
    if (isMade && !this.#spend(line, line.text.length + LINE_COST)) return;
    if (this.#depth >= MOST_MADE) {
      this.#once({
        code: 'definition-loop',
        at: spanIn(line, 0, line.text.length),
        message: 'what is made here makes itself again',
      });
      return;
    }
    this.#depth++;
    this.#expand(line);
    this.#depth--;
  }

  #expand(first: Line): void {
    let line = first;
    if (line.text.startsWith('@')) {
      const rest = this.#condition(line);
      if (rest === undefined) return;
      line = rest;
    }
    if (line.text.startsWith('$') && this.#define(line)) return;
    if (line.text.startsWith('~')) return this.#generate(line);
    if (!line.text.includes('$')) return this.#ready(line);
    if (this.#generated > MOST_GENERATED) return;
    const replaced = this.#definitions.replace(line);
    if (!this.#spend(line, replaced.cost)) return;
    if (replaced.fails !== undefined) {
      const message =
        replaced.fails === 'definition-loop' ? 'the variables of this line hold themselves' : 'the line gets too long';
      this.report({ code: replaced.fails, at: spanIn(line, 0, line.text.length), message });
      return;
    }
    const { text } = replaced.line;
    if (text !== line.text && (text.startsWith('@') || text.startsWith('~'))) this.#logical(replaced.line, true);
    else if (text !== '') this.#ready(replaced.line);
    for (const more of replaced.rest) this.#logical({ ...more, condition: line.condition }, true);
  }

  /** Counts what is made; false when it is too much. */
  #spend(line: Line, characters: number): boolean {
    this.#generated += characters;
    if (this.#generated <= MOST_GENERATED) return true;
    this.#once({ code: 'too-large', at: spanIn(line, 0, 1), message: 'variables and generators make more than fourlane reads' });
    return false;
  }

  #once(problem: Problem): void {
    if (!this.#reported.has(problem.code)) this.report(problem);
    this.#reported.add(problem.code);
  }

  #condition(line: Line): Line | undefined {
    const match = /^@(\^?)([^ \t]*)[ \t]+/.exec(line.text);
    if (match === null) return undefined;
    const [whole, negated, id] = match;
    this.conditions.add(id!);
    const { configId } = this.#options;
    if (configId !== undefined && (configId === id) === (negated === '^')) return undefined;
    const { columns } = line;
    const at = whole.length;
    return {
      ...line,
      text: line.text.slice(at),
      columns: typeof columns === 'number' ? columns + at : columns.slice(at),
      condition: `@${negated}${id}`,
    };
  }

  #define(line: Line): boolean {
    const match = DEFINITION.exec(line.text);
    if (match === null) return false;
    const at = spanIn(line, 0, match[0].length);
    const rest = line.text.slice(match[0].length);
    const goes = rest.endsWith('\\');
    const text = goes ? rest.slice(0, -1).trimEnd() : rest;
    const { columns } = line;
    const from = match[0].length;
    const value = { ...line, text, columns: typeof columns === 'number' ? columns + from : columns.slice(from), condition: '' };
    const definition = this.#definitions.set(match[1]!, at, text === '' && goes ? [] : [value]);
    this.definitions.push(definition);
    if (goes) this.#growing = definition;
    return true;
  }

  #generate(line: Line): void {
    if (!/^~(SEQ|LST)/.test(line.text)) return this.#ready(line);
    const generator = generatorOf(line.text, (text) => this.#definitions.replace({ ...line, text, columns: 1 }).line.text);
    if (generator === undefined) {
      this.report({
        code: 'generator-invalid',
        at: spanIn(line, 0, line.text.length),
        message: `${line.text.slice(0, 4)} is not valid`,
      });
      return;
    }
    const { columns } = line;
    const from = generator.rest;
    const text = line.text.slice(from);
    const made = { ...line, text, columns: typeof columns === 'number' ? columns + from : columns.slice(from) };
    const at = spanIn(line, 0, 4);
    for (const values of generator.values) {
      for (const [i, name] of generator.names.entries())
        this.#definitions.set(name, at, [{ ...line, text: values[i] ?? '', columns: 1 }]);
      if (!this.#spend(made, made.text.length + LINE_COST)) return;
      this.#logical(made, true);
    }
  }

  #ready(line: Line): void {
    const include = line.text.startsWith('include') ? INCLUDE.exec(line.text) : null;
    if (include === null) this.#finish(line);
    else this.#include(line, include[1]!, include[2]!);
  }

  #include(line: Line, word: string, pattern: string): void {
    const at = spanIn(line, line.text.length - pattern.length, line.text.length);
    this.includes.push({ pattern, at });
    if (line.unclear) return;
    const bare = pattern.replaceAll('"', '');
    if (bare !== pattern) {
      const message = 'keepalived looks for a file whose name has the quotes in it';
      this.report({ code: 'include-quoted', at, message, edit: { at, text: bare } });
    }
    const parts = this.#patterns < MOST_FILES ? withoutBraces(bare) : [];
    this.#patterns += parts.length;
    if (this.#patterns >= MOST_FILES)
      this.#once({ code: 'too-large', at, message: `files are included by ${MOST_FILES} patterns or more` });
    for (const part of parts) this.#follow(part, at, INCLUDES[word]!);
  }

  #follow(pattern: string, at: Span, kind: { must: boolean; wildcards: boolean }): void {
    const found = this.#options.files(pattern, at.source.path);
    if (found.length === 0 && (kind.wildcards || !hasWildcards(pattern)))
      this.report({ code: 'include-missing', at, message: `there is no file ${pattern}` });
    for (const { path, text, refused } of found) {
      if (text === undefined) {
        this.report({ code: 'include-refused', at, message: `${path} ${REFUSED[refused ?? 'unreadable']}, so it is not read` });
      } else if (this.#open.includes(path)) {
        this.report({ code: 'include-loop', at, message: `${path} includes itself` });
      } else if (this.#open.length >= MOST_DEPTH) {
        this.#once({ code: 'too-large', at, message: `includes are nested more than ${MOST_DEPTH} deep` });
      } else this.readFile(path, text, at);
    }
  }

  /** Parts the line at its braces. */
  #finish(line: Line): void {
    if (line.text.endsWith('\\') && !/["']/.test(line.text)) {
      const at = spanIn(line, line.text.length - 1, line.text.length);
      const message = 'a line is continued in a $definition only: the backslash is part of the last word';
      this.report({ code: 'stray-backslash', at, message, edit: { at, text: '' } });
      const text = line.text.slice(0, -1).trimEnd();
      return text === '' ? undefined : this.#finish({ ...line, text });
    }
    if (!BRACE.test(line.text)) return this.#sink.line(line);
    let from = 0;
    for (let i = 0; i <= line.text.length; i++) {
      const char = line.text[i];
      if (char === '"') {
        const close = line.text.indexOf('"', i + 1);
        i = close < 0 ? line.text.length : close;
      } else if (char === '$' && line.unclear && line.text[i + 1] === '{') {
        i = Math.max(i, line.text.indexOf('}', i)); // a variable that nothing defines is reported once, not taken for a block
      }
      if (char !== '{' && char !== '}' && i < line.text.length) continue;
      this.#piece(line, from, Math.min(i, line.text.length));
      if (char === '{' || char === '}') this.#sink.brace(char, line, i);
      from = i + 1;
    }
  }

  #piece(line: Line, from: number, to: number): void {
    const [start, end] = withoutBlanks(line.text, from, to);
    if (start === end) return;
    const { columns } = line;
    const moved = typeof columns === 'number' ? columns + start : columns.slice(start, end);
    const { source, line: number, unclear, condition } = line;
    this.#sink.line({ source, line: number, text: line.text.slice(start, end), columns: moved, unclear, condition });
  }
}

function nextSpecial(text: string, from: number): number {
  SPECIAL.lastIndex = from;
  return SPECIAL.exec(text)?.index ?? text.length;
}

/** Where a part of a text begins and ends without the blanks around it. */
function withoutBlanks(text: string, from = 0, to = text.length): [start: number, end: number] {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return [start, end];
}

function startOf(source: Source): Span {
  return { source, line: 1, column: 1, end: 2 };
}
