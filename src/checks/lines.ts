/** Reads a stream of bytes line by line, with a limit: what protocols of text send. */
const LF = 10;

export class LineReader {
  readonly #most: number;
  #held = '';
  #seen = 0;

  /** @param most bytes in all, line ends included */
  constructor(most: number) {
    this.#most = most;
  }

  /** More has come than the limit allows. */
  get tooMuch(): boolean {
    return this.#seen > this.#most;
  }

  /** @returns the lines that are complete now, without their ends (CRLF or LF), as Latin-1 */
  feed(chunk: Buffer): readonly string[] {
    this.#seen += chunk.length;
    if (this.tooMuch) return [];
    this.#held += chunk.toString('latin1');
    if (!chunk.includes(LF)) return [];
    const lines = this.#held.split('\n');
    this.#held = lines.pop()!;
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  }
}
