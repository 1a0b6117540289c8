/** What a lane's sockets are read into. */

const SIZE = 65_536;
/** Views that are kept, by length. */
const VIEWS = 256;

export class Inbox {
  readonly bytes = Buffer.alloc(SIZE);
  readonly #views = Array.from({ length: VIEWS }, () => this.bytes.subarray(0, 0));

  /**
   * Its first bytes, until it is read into again. Most answers have the length of others, whose view costs less than a new one.
   */
  first(length: number): Buffer {
    const at = length % VIEWS;
    const known = this.#views[at]!;
    return known.length === length ? known : (this.#views[at] = this.bytes.subarray(0, length));
  }
}
