/** `fourlane schema`: prints the JSON Schema of the configuration file. */
import { configJsonSchema } from '../config/json-schema.ts';
import { json, type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane schema

Prints the JSON Schema (draft 2020-12) of the configuration file, for editors and generators.

Example:
  fourlane schema > fourlane.schema.json
  # first line of fourlane.yaml, read by editors:  # yaml-language-server: $schema=fourlane.schema.json
`;

/** Runs the command; resolves to the exit status. */
export function schema(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const [first] = argv;
  if (first === '--help' || first === '-h') {
    out(HELP);
    return Promise.resolve(0);
  }
  if (first !== undefined) {
    err(`unexpected argument "${first}"\n\n${HELP}`);
    return Promise.resolve(1);
  }
  out(json(configJsonSchema()));
  return Promise.resolve(0);
}
