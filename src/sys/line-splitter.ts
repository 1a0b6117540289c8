/** Bytes of a log as they come, in pieces of any size, made into lines of bounded length. */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const NONE = Buffer.alloc(0);

/** Whole lines, without their ends. */
export interface Lines {
  readonly lines: readonly string[];
  /** Lines that are not UTF-8; their text has U+FFFD for what could not be decoded. */
  readonly invalid: number;
  /** Lines that were longer than allowed; their text lacks the end. */
  readonly cut: number;
}

const NOTHING: Lines = { lines: [], invalid: 0, cut: 0 };

export class LineSplitter {
  readonly #maxLine: number;
  /** Begin of a line whose end has not come yet: at most `maxLine` bytes and one more, which shows that it is too long. */
  #begun: Buffer = NONE;
  /** Whether what comes up to the next newline is the rest of a line that is not counted. */
  #skipping = false;

  /** @param maxLine bytes of a line that are kept */
  constructor(maxLine: number) {
    this.#maxLine = maxLine;
  }

  /** The lines that `chunk` completes. NUL bytes are no part of a line: they are what a hole in a file reads as. */
  push(chunk: Buffer): Lines {
    let bytes = chunk.includes(0) ? Buffer.from(chunk.filter((byte) => byte !== 0)) : chunk;
    if (this.#skipping) {
      const end = bytes.indexOf(NEWLINE);
      if (end < 0) return NOTHING;
      this.#skipping = false;
      bytes = bytes.subarray(end + 1);
    }
    const last = bytes.lastIndexOf(NEWLINE);
    const body = last < 0 ? NONE : Buffer.concat([this.#take(), bytes.subarray(0, last + 1)]);
    const rest = bytes.subarray(last + 1);
    // A copy: whoever reads into the chunk's memory uses it again.
    this.#begun = Buffer.concat([this.#begun, rest.subarray(0, this.#maxLine + 1 - this.#begun.length)]);
    return body.length === 0 ? NOTHING : this.#split(body);
  }

  /** The line that has begun, as one that ends here. */
  end(): Lines {
    const line = this.#take();
    this.#skipping = false;
    return line.length === 0 ? NOTHING : this.#split(Buffer.concat([line, Buffer.of(NEWLINE)]));
  }

  /** Forgets the line that has begun. `midLine`: what comes up to the next newline is the rest of a line that is not counted. */
  restart(midLine: boolean): void {
    this.#take();
    this.#skipping = midLine;
  }

  #take(): Buffer {
    const line = this.#begun;
    this.#begun = NONE;
    return line;
  }

  /** Splits bytes that end with a newline. */
  #split(body: Buffer): Lines {
    const lines: string[] = [];
    const valid = isUtf8(body);
    let invalid = 0;
    let cut = 0;
    for (let from = 0; from < body.length; ) {
      const end = body.indexOf(NEWLINE, from);
      const line = body.subarray(from, end);
      const long = line.length > this.#maxLine;
      if (long) cut++;
      else if (!valid && !isUtf8(line)) invalid++;
      lines.push(text(long ? line.subarray(0, this.#maxLine) : line));
      from = end + 1;
    }
    return { lines, invalid, cut };
  }
}

function text(line: Buffer): string {
  const end = line.at(-1) === RETURN ? line.length - 1 : line.length;
  return line.toString('utf8', 0, end);
}
