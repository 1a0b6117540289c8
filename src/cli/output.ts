/** How commands print: results to one stream, complaints to another, tables with aligned columns. */
import { FourlaneError } from '../model/errors.ts';
import { plainLines } from '../model/plain-text.ts';

/** Where a command prints; every text ends its lines itself. Tests hand in their own. */
export interface Output {
  /** Results. */
  readonly out: (text: string) => void;
  /** What went wrong. */
  readonly err: (text: string) => void;
}

/** What is printed may come from others: from an agent, a data plane, a file. */
export const terminal: Output = {
  out: (text) => void process.stdout.write(plainLines(text)),
  err: (text) => void process.stderr.write(plainLines(text)),
};

/** What a shell gets of a program that SIGPIPE has ended. */
const BY_SIGPIPE = 128 + 13;

/** From now on this process ends without a word when nobody reads its results any more, such as `head` that has seen enough. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(BY_SIGPIPE);
  });
}

/** Whether the user can mend it: an error with a code, or wrong options (parseArgs throws TypeErrors with codes of its own). */
export function isForUser(error: unknown): error is FourlaneError | NodeJS.ErrnoException {
  return error instanceof FourlaneError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
}

/** JSON for people and programs. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Lines of aligned columns, two blanks between; widths are counted in characters. A column that is empty in every row is left
 * out.
 * @param least least widths of the first columns
 */
export function columns(rows: readonly (readonly string[])[], least: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? least[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .flatMap((cell, i) => (widths[i] === 0 ? [] : [cell.padEnd(widths[i]!)]))
      .join('  ')
      .trimEnd(),
  );
}

/** See `columns`: one text, without a line end after the last row. */
export function table(rows: readonly (readonly string[])[]): string {
  return columns(rows).join('\n');
}

/** Every line two blanks further right. */
export function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
