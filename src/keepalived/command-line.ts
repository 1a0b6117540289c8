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

/** Short options that a value follows, in the same word or the next one. */
const WITH_VALUE = new Set('fSuprcbAsMi');

/** Whether its checkers run, which make and remove services: `-P` without `-C` is VRRP alone. */
export function hasCheckers(argv: readonly string[]): boolean {
  const given = new Set<string>();
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--vrrp' || word === '--check') given.add(word === '--vrrp' ? 'P' : 'C');
    if (!/^-[^-]/.test(word)) continue;
    for (let k = 1; k < word.length; k++) {
      const letter = word.charAt(k);
      given.add(letter);
      if (!WITH_VALUE.has(letter)) continue;
      if (k === word.length - 1) i++;
      break;
    }
  }
  return !given.has('P') || given.has('C');
}
