/**
 * A reader for the plain part of YAML 1.2 that config files are made of: block mappings and lists, one-line flow collections,
 * simple scalars, comments. About 20 times faster than the full parser. Whatever it does not know for certain (anchors, tags,
 * multi-line scalars, escapes, duplicate keys, any error) it answers with `undefined`: then the full parser decides.
 * A property test holds it to the full parser's results.
 */

class Unknown extends Error {}

function bail(): never {
  throw new Unknown();
}

interface Line {
  indent: number;
  text: string;
}

const KEY = /^([A-Za-z_][A-Za-z0-9_-]*):(?: +|$)/;
const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_-]*):(?= )/y;
/** Begins with nothing that has a meaning in YAML; a colon only inside a word. */
const PLAIN = /^[A-Za-z0-9_./](?:[A-Za-z0-9_./%+@=~,-]|:(?=\S)| (?=[A-Za-z0-9_./%+@=~,-]))*$/;
const FLOW_PLAIN = /[A-Za-z0-9_./](?:[A-Za-z0-9_./%+@=~-]|:(?=[A-Za-z0-9_./%+@=~-]))*/y;
const SPACES = / */y;
const NUMBER = /^(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?$/;
/** Text that begins like a number but can't be one: addresses, durations, ranges. */
const NO_NUMBER = /[g-wyzG-WYZ:/]|\..*\.|^\d{3}-\d{3}$/;

/** The value of a document, or undefined when it needs the full parser. Never throws. */
export function parsePlainYaml(text: string): unknown {
  try {
    return new Reader(text).document();
  } catch (error) {
    if (error instanceof Unknown || error instanceof RangeError) return undefined; // RangeError: nested too deeply for the stack
    throw error;
  }
}

class Reader {
  readonly #lines: Line[] = [];
  #at = 0;

  constructor(text: string) {
    if (/[^\S \r\n]|\u0085|\r(?!\n)/.test(text)) bail(); // tabs, no-break spaces, odd line ends
    for (const raw of text.split(/\r?\n/)) {
      const content = raw.trimStart();
      if (content === '' || content[0] === '#') continue;
      this.#lines.push({ indent: raw.length - content.length, text: content.trimEnd() });
    }
  }

  document(): unknown {
    const first = this.#lines[0];
    if (!first || first.indent !== 0) bail();
    if (first.text === '---') this.#at = 1;
    const value = this.#block(0);
    return this.#at === this.#lines.length ? value : bail();
  }

  /** A block collection whose entries begin at exactly `indent`. */
  #block(indent: number): unknown {
    const line = this.#lines[this.#at];
    if (!line || line.indent !== indent) bail();
    return isItem(line.text) ? this.#list(indent) : this.#map(indent);
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.indent === indent && isItem(line.text); line = this.#lines[this.#at]) {
      const content = line.text.slice(1).trimStart();
      if (content === '' || isItem(content)) bail();
      if (KEY.test(content)) {
        // A mapping that begins on the line of its dash: the same as one that begins on a line of its own.
        line.indent += line.text.length - content.length;
        line.text = content;
        items.push(this.#map(line.indent));
      } else {
        this.#at++;
        items.push(inline(content));
        this.#noContinuation(indent);
      }
    }
    return items;
  }

  #map(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const key = KEY.exec(line.text) ?? bail();
      const content = line.text.slice(key[0].length);
      this.#at++;
      put(map, key[1]!, content === '' || content[0] === '#' ? this.#child(indent) : inline(content));
      this.#noContinuation(indent);
    }
    return map;
  }

  /** What follows `key:` on the next lines: a deeper block, a list at the same depth, or nothing (null). */
  #child(indent: number): unknown {
    const next = this.#lines[this.#at];
    if (next && (next.indent > indent || (next.indent === indent && isItem(next.text)))) return this.#block(next.indent);
    return null;
  }

  #noContinuation(indent: number): void {
    const next = this.#lines[this.#at];
    if (next && next.indent > indent) bail();
  }
}

function isItem(text: string): boolean {
  return text[0] === '-' && (text.length === 1 || text[1] === ' ');
}

function put(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__' || Object.hasOwn(map, key) || !isText(key)) bail();
  map[key] = value;
}

/** A scalar or flow collection that ends on its line, perhaps before a comment. */
function inline(text: string): unknown {
  const flow = new Flow(text);
  if (text[0] === '{' || text[0] === '[' || text[0] === '"' || text[0] === "'") return flow.only();
  const comment = text.indexOf(' #');
  return scalar(comment === -1 ? text : text.slice(0, comment).trimEnd(), PLAIN);
}

function scalar(text: string, allowed?: RegExp): unknown {
  if (NUMBER.test(text)) return Number(text);
  if (allowed && !allowed.test(text)) bail();
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  return isText(text) ? text : bail();
}

/** Whether a plain scalar is text for certain, in YAML 1.2's core schema. */
function isText(text: string): boolean {
  if (/^[0-9.]/.test(text)) return NO_NUMBER.test(text) && !/^0[xo]|[eE][-+]?\d+$|^\.(?:inf|nan)$/i.test(text) && text !== '...';
  return !/^(?:true|false|null)$/i.test(text);
}

/** A flow collection or quoted scalar on one line. */
class Flow {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  only(): unknown {
    const value = this.#value();
    return /^(?: +#.*| *)$/.test(this.#text.slice(this.#at)) ? value : bail();
  }

  #value(): unknown {
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#collection('}', {} as Record<string, unknown>, (map) => {
          const key = this.#match(FLOW_KEY).slice(0, -1);
          this.#match(SPACES);
          put(map, key, this.#value());
        });
      case '[':
        return this.#collection(']', [] as unknown[], (list) => list.push(this.#value()));
      case '"':
        return this.#match(/"[^"\\]*"/y).slice(1, -1);
      case "'":
        return this.#match(/'[^']*'(?!')/y).slice(1, -1);
      default:
        return scalar(this.#match(FLOW_PLAIN));
    }
  }

  #collection<C>(end: string, into: C, entry: (into: C) => void): C {
    this.#at++;
    this.#match(SPACES);
    if (this.#text[this.#at] === end) {
      this.#at++;
      return into;
    }
    for (;;) {
      entry(into);
      this.#match(SPACES);
      const next = this.#text[this.#at++];
      if (next === end) return into;
      if (next !== ',') bail();
      this.#match(SPACES);
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? bail();
    this.#at = pattern.lastIndex;
    return found[0];
  }
}
