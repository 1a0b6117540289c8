/**
 * What no configuration needs and a parser would take minutes over: collections nested without end, and texts of megabytes. Found
 * in one pass over the characters, before anything is parsed.
 */

/** Levels of flow collections (`[`, `{`), and of collections that begin on one line (`- - -`). The schema has seven. */
const MOST_LEVELS = 64;
/** Characters of one text: certificates and scripts are files of their own. */
const MOST_CHARACTERS = 256 * 1024;

export interface Excess {
  readonly offset: number;
  readonly message: string;
}

const TOO_DEEP = 'lists or mappings are nested too deeply';
const TOO_LONG = `a text of more than ${MOST_CHARACTERS} characters begins here`;

/** The first excess; undefined when there is none. Quotes are followed as far as is needed not to count brackets inside. */
export function excessIn(text: string): Excess | undefined {
  let depth = 0;
  let quote = 0;
  /** Where the present text began: quoted, or between marks. */
  let from = 0;
  let dashes = 0;
  let lineBegins = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (i - from > MOST_CHARACTERS) return { offset: from, message: TOO_LONG };
    if (quote !== 0) {
      if (code === BACKSLASH && quote === DOUBLE) i++;
      else if (code === quote) [quote, from] = [0, i];
      continue;
    }
    if (!lineBegins && code > SPACE && (code >= MARKS.length || MARKS[code] === 0)) continue;
    if (code === NEWLINE) {
      [dashes, lineBegins, from] = [0, true, isBlockText(text, i) ? from : i];
      continue;
    }
    if (lineBegins && (code === DASH || code === QUESTION)) dashes++;
    else if (code !== SPACE) lineBegins = false;
    if (dashes > MOST_LEVELS) return { offset: i, message: TOO_DEEP };
    if (code === HASH && isSpace(text.charCodeAt(i - 1))) {
      const end = text.indexOf('\n', i);
      i = (end < 0 ? text.length : end) - 1;
      from = i;
    } else if (code === DOUBLE || code === SINGLE) {
      // A quote inside a word is a letter.
      if (!isWord(text.charCodeAt(i - 1))) [quote, from] = [code, i];
    } else if (code === OPEN_LIST || code === OPEN_MAP) {
      from = i;
      if (++depth > MOST_LEVELS) return { offset: i, message: TOO_DEEP };
    } else if (code === CLOSE_LIST || code === CLOSE_MAP) [depth, from] = [Math.max(0, depth - 1), i];
    else if (code === COMMA || code === COLON) from = i;
  }
  return undefined;
}

const [NEWLINE, SPACE, DOUBLE, HASH, SINGLE, COMMA, DASH, COLON, QUESTION] = [10, 32, 34, 35, 39, 44, 45, 58, 63];
const [OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [91, 92, 93, 123, 125];
/** 1 for a character that means something in the middle of a line. */
const MARKS = Uint8Array.from({ length: 128 }, (_, code) => ('"#\',:[]{}'.includes(String.fromCharCode(code)) ? 1 : 0));

/** The next line goes on with a text: it holds no colon and no dash that would begin something. */
function isBlockText(text: string, newline: number): boolean {
  const end = text.indexOf('\n', newline + 1);
  const line = text.slice(newline + 1, Math.min(end < 0 ? text.length : end, newline + 512));
  return !/^\s*(?:[-?#]|$)|:(?:\s|$)/.test(line);
}

const isSpace = (code: number) => !(code > SPACE);
const isWord = (code: number) => code > SPACE && code !== COMMA && code !== COLON && code !== OPEN_LIST && code !== OPEN_MAP;
