/** `fourlane hash-password`: what `web.authentication.basic.passwordHash` is to be. */
import { text } from 'node:stream/consumers';
import { FourlaneError } from '../model/errors.ts';
import { hashPassword } from '../sys/password.ts';
import { type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane hash-password < FILE

Reads a password from standard input (one line; not an argument, which others can see) and prints its scrypt hash for
web.authentication.basic.passwordHash.

Example: read -rs P; printf %s "$P" | fourlane hash-password
`;

/** Runs the command; resolves with its exit status. */
export async function hashPasswordCommand(argv: readonly string[], { out }: Output = terminal): Promise<number> {
  if (argv.length > 0) {
    if (argv[0] !== '--help' && argv[0] !== '-h')
      throw new FourlaneError('USAGE', `hash-password takes no "${argv[0]}"\n\n${HELP}`);
    out(HELP);
    return 0;
  }
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password === '' || password.includes('\n'))
    throw new FourlaneError('USAGE', 'standard input must hold one line, the password');
  out(`${await hashPassword(password)}\n`);
  return 0;
}
