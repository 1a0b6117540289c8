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

/** Looks for `needle` in a stream, keeping only what a match could still begin with. */
export class StreamSearch {
  readonly #needle: Buffer;
  #kept: Buffer = Buffer.alloc(0);

  constructor(needle: Buffer) {
    this.#needle = needle;
  }

  /** True when the needle has been seen, in this chunk or across its border. */
  feed(chunk: Buffer): boolean {
    const all = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    if (all.includes(this.#needle)) return true;
    this.#kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#needle.length + 1)));
    return false;
  }
}
