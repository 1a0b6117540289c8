/** Mutations of recorded bytes: the same seed makes the same ones. */
import { randomFrom } from '../../judge/world.ts';

/** What parsers stumble over: limits of numbers, marks of syntax, characters that are not what they seem. */
const TOKENS = [
  '0',
  '-1',
  '4294967296',
  '18446744073709551616',
  '1e999',
  '-0.0',
  'NaN',
  'null',
  'true',
  '{}',
  '[]',
  '""',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '\\',
  ':',
  ',',
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\t',
  ' ',
  '%00',
  '..',
  '__proto__',
  'constructor',
  '\u202e',
  '\ufeff',
  '\u{1f4a3}',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'HTTP/1.1',
  '&a *a',
  '!!js/function',
  '<<: ',
  '- - - ',
  '\\u0000',
  '\xff\xfe',
].map((text) => Buffer.from(text, 'utf8'));

/** Longest result: what is longer is tried by attacks of their own. */
const MOST_BYTES = 64 * 1024;

export class Mutator {
  readonly #corpus: readonly Buffer[];
  readonly #random: () => number;

  constructor(corpus: readonly Buffer[], seed: number) {
    this.#corpus = corpus;
    this.#random = randomFrom(seed);
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** One of the corpus with one to six changes. */
  next(): Buffer {
    let bytes: Buffer = Buffer.from(this.#corpus[this.#below(this.#corpus.length)]!);
    for (let k = 1 + this.#below(6); k > 0; k--) bytes = this.#change(bytes);
    return bytes.subarray(0, MOST_BYTES);
  }

  #change(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const to = Math.min(bytes.length, at + 1 + this.#below(1 + this.#below(64)));
    const put = (middle: Uint8Array, end = at) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
    switch (this.#below(8)) {
      case 0: {
        const flipped = Buffer.from(bytes);
        if (flipped.length > 0) flipped[at % flipped.length]! ^= 1 << this.#below(8);
        return flipped;
      }
      case 1:
        return put(TOKENS[this.#below(TOKENS.length)]!);
      case 2:
        return put(TOKENS[this.#below(TOKENS.length)]!, to);
      case 3:
        return put(Buffer.alloc(0), to);
      case 4: // again and again
        return put(Buffer.concat(Array.from({ length: 1 + this.#below(20) }, () => bytes.subarray(at, to))));
      case 5:
        return bytes.subarray(0, at);
      case 6: {
        const other = this.#corpus[this.#below(this.#corpus.length)]!;
        return put(other.subarray(this.#below(other.length + 1)));
      }
      default:
        return put(Buffer.from([this.#below(256), this.#below(256)]));
    }
  }
}
