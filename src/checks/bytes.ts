/** Text with escapes → bytes, and a search that works across chunks. */

/** Unescapes \r \n \t \0 \\ and \xHH, as keepalived and operators write payloads. @throws RangeError naming a bad escape. */
export function unescape(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const match of text.matchAll(/\\(?:x([0-9a-fA-F]{2})|([\s\S]?))|[^\\]+/g)) {
    if (!match[0].startsWith('\\')) parts.push(Buffer.from(match[0], 'utf8'));
    else if (match[1] !== undefined) parts.push(Buffer.from(match[1], 'hex'));
    else {
      const plain = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }[match[2]!];
      if (plain === undefined) throw new RangeError(`"\\${match[2]}" is no escape; write \\r, \\n, \\t, \\0, \\\\ or \\xHH`);
      parts.push(Buffer.from(plain, 'latin1'));
    }
  }
  return Buffer.concat(parts);
}

/** True when the text's escapes are right. */
export function validEscapes(text: string): boolean {
  try {
    unescape(text);
    return true;
  } catch {
    return false;
  }
}

/** Looks for `needle` in a stream, keeping only what a match could still begin with. A chunk is searched where it lies. */
export class StreamSearch {
  readonly #needle: Buffer;
  /** The end of what came before, and room for the beginning of what comes: together all places of a match across the border. */
  readonly #border: Buffer;
  #kept = 0;

  constructor(needle: Buffer) {
    this.#needle = needle;
    this.#border = Buffer.alloc(2 * Math.max(0, needle.length - 1));
  }

  /** True when the needle has been seen, in this chunk or across its border. */
  feed(chunk: Buffer): boolean {
    const border = this.#border;
    const most = border.length / 2;
    if (this.#kept > 0) {
      const length = this.#kept + chunk.copy(border, this.#kept, 0, most);
      if (border.subarray(0, length).includes(this.#needle)) return true;
      if (chunk.length < most) {
        // All of it is in the border now, of which the end is kept.
        const from = Math.max(0, length - most);
        border.copyWithin(0, from, length);
        this.#kept = length - from;
        return false;
      }
    }
    if (chunk.includes(this.#needle)) return true;
    this.#kept = chunk.copy(border, 0, Math.max(0, chunk.length - most));
    return false;
  }
}
