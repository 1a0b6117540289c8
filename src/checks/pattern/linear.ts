/**
 * Regular expressions that take time proportional to the text, whatever a real server sends: JavaScript's syntax and meaning
 * (flag u), RE2's automata. JavaScript's own engine backtracks: 60 KB of `statusstatus…` hold it for seconds at `status.*ok`.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { type Flags, PatternError, translate } from './translate.ts';

export interface Pattern {
  /** Whether some part of the text matches. */
  test(text: string): boolean;
  /** Where the first match at or after `from` begins; -1 = there is none. Positions are those of JavaScript's text. */
  find(text: string, from: number): number;
  /** Steps per character that matching may take at most: the size of the automaton. */
  readonly size: number;
}

const load = createRequire(import.meta.url);
let engine: typeof RE2JS | undefined;

/** @throws PatternError, or SyntaxError as `new RegExp` does */
export function compilePattern(source: string, flags?: Flags): Pattern {
  new RegExp(source, 'u');
  const translated = translate(source, flags);
  // Loaded when the first pattern is compiled: it takes megabytes that few configurations need.
  engine ??= (load('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
  try {
    const compiled = engine.compile(translated);
    return {
      test: (text) => compiled.test(text),
      find(text, from) {
        const matcher = compiled.matcher(text);
        return from <= text.length && matcher.find(from) ? matcher.start() : -1;
      },
      size: compiled.programSize(),
    };
  } catch {
    throw new PatternError('is too large to be matched in linear time; nested repeats must not multiply to more than 1000');
  }
}

/** What is wrong with a pattern, as the end of a sentence that begins with its name; undefined when nothing is. */
export function patternProblem(source: string, flags?: Flags): string | undefined {
  try {
    compilePattern(source, flags);
    return undefined;
  } catch (error) {
    return error instanceof PatternError ? error.message : 'is not a valid regular expression (JavaScript syntax)';
  }
}
