/** Sets of code points as sorted, disjoint ranges, and how RE2 writes them. */

/** First and last code point of each range. */
export type Ranges = readonly (readonly [first: number, last: number])[];

const LAST = 0x10ffff;
const SURROGATES = [0xd800, 0xdfff] as const;

export const ANY: Ranges = [[0, LAST]];
/** What `.` excludes. */
export const LINE_ENDS: Ranges = [[10, 10], [13, 13], [0x2028, 0x2029]]; // biome-ignore format: one line
export const DIGITS: Ranges = [[48, 57]];
export const WORD: Ranges = [[48, 57], [65, 90], [95, 95], [97, 122]]; // biome-ignore format: one line
/** What `\w` is in `(?i:…)`: ſ and K are other cases of s and k. */
export const WORD_ANY_CASE: Ranges = [...WORD, [0x17f, 0x17f], [0x212a, 0x212a]];

/** Everything that is not in the set. */
export function complement(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    if (first > from) rest.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= LAST) rest.push([from, LAST]);
  return rest;
}

/** One character in RE2's spelling. */
export function spell(codePoint: number): string {
  const text = String.fromCodePoint(codePoint);
  return /^[0-9A-Za-z]$/.test(text) ? text : `\\x{${codePoint.toString(16)}}`;
}

/** A character class in RE2's spelling. */
export function spellClass(ranges: Ranges, negated = false): string {
  if (ranges.length === 0) return spellClass(ANY, !negated);
  const items = ranges.map(([first, last]) => (first === last ? spell(first) : `${spell(first)}-${spell(last)}`));
  return `[${negated ? '^' : ''}${items.join('')}]`;
}

const found = new Map<string, Ranges>();

/**
 * The code points that a class of JavaScript's own engine has, such as `\s` or `\p{Script=Greek}`: asked of that engine, so
 * that the tables of two libraries cannot differ. Some 30 ms the first time.
 */
export function rangesOf(escape: string): Ranges {
  let ranges = found.get(escape);
  if (ranges === undefined) {
    ranges = ask(escape);
    found.set(escape, ranges);
  }
  return ranges;
}

function ask(escape: string): Ranges {
  const run = new RegExp(`${escape}+`, 'gu');
  const ranges: [number, number][] = [];
  // Block by block: a string of all code points at once is megabytes. Surrogates are in no text that was decoded from bytes.
  for (let from = 0; from <= LAST; from += 0x1000) {
    if (from >= SURROGATES[0] - 0x7ff && from <= SURROGATES[1]) {
      if (from === 0xd000) collect(run, 0xd000, SURROGATES[0] - 1, ranges);
      continue;
    }
    collect(run, from, from + 0xfff, ranges);
  }
  return ranges;
}

/** Adds what `run` matches of the code points from `first` to `last`; a range that goes on is continued. */
function collect(run: RegExp, first: number, last: number, into: [number, number][]): void {
  const text = String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, i) => first + i));
  for (const match of text.matchAll(run)) {
    const from = match[0].codePointAt(0)!;
    const to = from + Array.from(match[0]).length - 1;
    const before = into.at(-1);
    if (before !== undefined && before[1] === from - 1) before[1] = to;
    else into.push([from, to]);
  }
}
