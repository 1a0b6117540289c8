/** Comments, as `decomment` of keepalived's parser.c takes them away. */

const MARKS = /[!#"\\]/g;

export interface Uncommented {
  /** Without blanks at both ends, without comment. */
  readonly text: string;
  /** Index in the line at which `text` begins; its characters follow one by one unless `removed` names some in between. */
  readonly start: number;
  /** Indices in the line of the `\` that were taken away before `#` or `!`. */
  readonly removed: readonly number[];
  /** The line ends in `\`, also in one of its comment; `text` then does too. */
  readonly continues: boolean;
  /** Index of a `"` that does not end; -1 for none. */
  readonly openQuote: number;
  /** Index at which the comment begins; -1 for none. */
  readonly comment: number;
}

/**
 * `!` and `#` begin a comment anywhere outside `"`; `\#` and `\!` are characters. A `'` protects nothing. A `"` in a comment does
 * not quote, but a `\` at the very end of a comment still counts as one of the line: it stays as its last character.
 */
export function decomment(line: string): Uncommented {
  const removed: number[] = [];
  let comment = -1;
  let openQuote = -1;
  let continues = false;
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(line); mark !== null; mark = MARKS.exec(line)) {
    const i = mark.index;
    const char = line[i];
    if (char === '"') {
      if (comment < 0) openQuote = openQuote < 0 ? i : -1;
    } else if (char === '\\') {
      if (i + 1 === line.length) continues = true;
      else if (openQuote < 0 && (line[i + 1] === '#' || line[i + 1] === '!')) {
        if (comment < 0) removed.push(i);
        MARKS.lastIndex = i + 2;
      } else MARKS.lastIndex = i + 2;
    } else if (openQuote < 0 && comment < 0) comment = i;
  }
  let end = comment >= 0 ? comment : line.length - (continues ? 1 : 0);
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
  let start = 0;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  let text = line.slice(start, end);
  if (removed.length > 0) {
    const ends = [...removed, end];
    text = ends.map((to, n) => line.slice(n === 0 ? start : removed[n - 1]! + 1, to)).join('');
  }
  return { text: continues ? `${text}\\` : text, start, removed, continues, openQuote, comment };
}

/** A blank or a tab: what keepalived strips. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
