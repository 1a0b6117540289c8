/** Unsigned numbers in as few bytes as they need: seven bits a byte, the low ones first. */

/** Writes bytes one after the other. */
export class Writer {
  readonly #bytes: number[] = [];

  byte(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  /** @param value 0 … 2^53 - 1 */
  number(value: number): this {
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) this.byte((left % 0x80) | 0x80);
    return this.byte(left);
  }

  bytes(values: Iterable<number>): this {
    for (const value of values) this.byte(value);
    return this;
  }

  done(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

/** Reads them again. Throws RangeError where the bytes end, or a number is larger than it may be. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError('it ends too early');
    return value;
  }

  /** A number of at most `max`. */
  number(max: number): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > max) throw new RangeError(`found a number above ${max}`);
      if (byte < 0x80) return value;
    }
    throw new RangeError('found a number that does not end');
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new RangeError('it ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}
