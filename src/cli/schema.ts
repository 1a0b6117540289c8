/** `fourlane schema`: prints the JSON Schema of the configuration file. */
import { configJsonSchema } from '../config/json-schema.ts';

const HELP = `Usage: fourlane schema

Prints the JSON Schema (draft 2020-12) of the configuration file, for editors and generators.

Example:
  fourlane schema > fourlane.schema.json
  # first line of fourlane.yaml, read by editors:  # yaml-language-server: $schema=fourlane.schema.json
`;

/** Runs the command; resolves to the exit status. `out` and `err` take text with line ends. */
export function schema(
  argv: readonly string[],
  { out = (text: string) => void process.stdout.write(text), err = (text: string) => void process.stderr.write(text) } = {},
): Promise<number> {
  const [first] = argv;
  if (first === '--help' || first === '-h') {
    out(HELP);
    return Promise.resolve(0);
  }
  if (first !== undefined) {
    err(`unexpected argument "${first}"\n\n${HELP}`);
    return Promise.resolve(1);
  }
  out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return Promise.resolve(0);
}
