/**
 * From JavaScript's regular expressions (flag u) to RE2's: the same texts match. Every character, class and assertion is
 * written out in a form that means the same in both, so that neither the spelling nor the tables of RE2 matter. What RE2 cannot
 * do in linear time is refused.
 */
import { complement, DIGITS, LINE_ENDS, type Ranges, rangesOf, spell, spellClass, WORD, WORD_ANY_CASE } from './code-points.ts';

/** A pattern that can't be matched in linear time; the message says what to write instead. */
export class PatternError extends Error {}

const MAX_REPEATS = 1000;
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };

/** What holds inside of a group, or of the whole. */
export interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

const NO_FLAGS: Flags = { ignoreCase: false, dotAll: false };

/** @param source valid with the flag u. @throws PatternError */
export function translate(source: string, flags: Flags = NO_FLAGS): string {
  const translated = new Translator(source, flags).run();
  return flags.ignoreCase ? `(?i:${translated})` : translated;
}

class Translator {
  readonly #source: string;
  #at = 0;
  readonly #flags: Flags[];

  constructor(source: string, flags: Flags) {
    this.#source = source;
    this.#flags = [flags];
  }

  run(): string {
    let out = '';
    while (this.#at < this.#source.length) out += this.#token();
    return out;
  }

  get #now(): Flags {
    return this.#flags.at(-1)!;
  }

  #token(): string {
    const char = this.#next();
    switch (char) {
      case '\\':
        return this.#escape();
      case '[':
        return this.#class();
      case '.':
        return this.#now.dotAll ? spellClass([], true) : spellClass(LINE_ENDS, true);
      case '^':
        return '\\A';
      case '$':
        return '\\z';
      case '(':
        return this.#group();
      case ')':
        this.#flags.pop();
        return ')';
      case '{':
        return this.#repeat();
      case '|':
      case '*':
      case '+':
      case '?':
        return char;
      default:
        return literal(char.codePointAt(0)!);
    }
  }

  /** The next code point, as text. */
  #next(): string {
    const char = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += char.length;
    return char;
  }

  /** Takes what `pattern`, which is sticky, matches here. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match) this.#at += match[0].length;
    return match;
  }

  #group(): string {
    if (this.#take(/\?<?[=!]/uy))
      throw new PatternError(
        'looks ahead or behind, which cannot be matched in linear time; write what must be there without it, or use exec',
      );
    if (this.#take(/\?<[^>]+>/uy) || this.#source[this.#at] !== '?') {
      this.#flags.push(this.#now);
      return '(?:';
    }
    const [, on = '', off = ''] = this.#take(/\?([ims]*)(?:-([ims]*))?:/uy)!;
    if (on.includes('m'))
      throw new PatternError('sets the flag m, which cannot be matched in linear time; write (?:^|\\n) for the start of a line');
    const set = (flag: string, before: boolean) => (on.includes(flag) ? true : off.includes(flag) ? false : before);
    this.#flags.push({ ignoreCase: set('i', this.#now.ignoreCase), dotAll: set('s', this.#now.dotAll) });
    return this.#now.ignoreCase ? '(?i:' : '(?-i:';
  }

  #repeat(): string {
    const [, least = '', comma, most = ''] = this.#take(/(\d+)(,?)(\d*)\}/uy)!;
    if (Number(least) > MAX_REPEATS || Number(most) > MAX_REPEATS)
      throw new PatternError(`repeats more than ${MAX_REPEATS} times, which takes too long; write * or + instead`);
    return `{${Number(least)}${comma}${most === '' ? '' : Number(most)}}`;
  }

  /** An escape outside of a class. */
  #escape(): string {
    const char = this.#source[this.#at]!;
    if (char === 'b' || char === 'B') {
      if (this.#now.ignoreCase)
        throw new PatternError(`has \\${char} inside of (?i:…), which cannot be matched in linear time; write it outside`);
      this.#at++;
      return `\\${char}`;
    }
    if (char === 'k' || /[1-9]/.test(char))
      throw new PatternError(
        'refers back to a group, which cannot be matched in linear time; write out what is repeated, or use a script (exec)',
      );
    const ranges = this.#classEscape();
    return ranges === undefined ? literal(this.#character()) : spellClass(ranges);
  }

  #class(): string {
    const negated = this.#take(/\^/uy) !== null;
    const items: (readonly [number, number])[] = [];
    while (!this.#take(/\]/uy)) {
      const ranges = this.#take(/\\(?=[dDwWsSpP])/uy) ? this.#classEscape()! : undefined;
      if (ranges) {
        items.push(...ranges);
        continue;
      }
      const first = this.#member();
      const last = this.#take(/-(?!\])/uy) ? this.#member() : first;
      items.push([first, last]);
    }
    return spellClass(items, negated);
  }

  /** A single character inside of a class. */
  #member(): number {
    if (!this.#take(/\\/uy)) return this.#next().codePointAt(0)!;
    return this.#take(/b/uy) ? 8 : this.#character();
  }

  /** What a class escape such as \d stands for, its backslash already read; undefined when it is none. */
  #classEscape(): Ranges | undefined {
    const text = this.#take(/[dDwWsS]|[pP]\{[^}]*\}/uy)?.[0];
    if (text === undefined) return undefined;
    const upper = text[0]!.toUpperCase() === text[0];
    const ranges = this.#classOf(text[0]!.toLowerCase() + text.slice(1));
    return upper ? complement(ranges) : ranges;
  }

  #classOf(name: string): Ranges {
    if (name === 'd') return DIGITS;
    if (name === 'w') return this.#now.ignoreCase ? WORD_ANY_CASE : WORD;
    return rangesOf(`\\${name}`);
  }

  /** The code point of a character escape, its backslash already read. */
  #character(): number {
    const pair = this.#take(/u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iuy);
    if (pair) return String.fromCharCode(Number.parseInt(pair[1]!, 16), Number.parseInt(pair[2]!, 16)).codePointAt(0)!;
    const hex = this.#take(/u\{([\da-fA-F]+)\}|u([\da-fA-F]{4})|x([\da-fA-F]{2})/uy);
    if (hex) return Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
    const control = this.#take(/c([A-Za-z])/uy);
    if (control) return control[1]!.codePointAt(0)! % 32;
    const char = this.#next();
    return CONTROLS[char] ?? char.codePointAt(0)!;
  }
}

/** A character by itself. Text decoded from bytes holds no half of a surrogate pair: one matches nothing. */
function literal(codePoint: number): string {
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? spellClass([]) : spell(codePoint);
}
