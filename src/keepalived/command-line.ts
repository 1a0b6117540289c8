/** How a keepalived was started. */

/** The configuration file among its arguments; undefined: none is named, and it reads the one that it was built for. */
export function configFileOf(argv: readonly string[]): string | undefined {
  for (const [i, word] of argv.entries()) {
    const long = /^--use-file(?:=(.*))?$/.exec(word);
    if (long) return long[1] ?? argv[i + 1];
    const short = /^-[A-Za-z]*f(.*)$/.exec(word);
    if (short && !word.startsWith('--')) return short[1] || argv[i + 1];
  }
  return undefined;
}
