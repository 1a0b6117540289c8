/** A text that is not as its program or the kernel writes it. */
export class FormatError extends Error {
  /** @param line counted from 0 */
  constructor(file: string, line: number, found: string, wanted: string) {
    super(`${file} line ${line + 1}: found ${JSON.stringify(found.slice(0, 80))}; expected ${wanted}`);
    this.name = 'FormatError';
  }
}
