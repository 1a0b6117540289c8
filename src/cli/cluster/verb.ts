/** How each verb of `fourlane cluster` reads its words and ends: options that all have, errors as text or JSON, exit codes. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { FourlaneError } from '../../model/errors.ts';
import { isForUser, json as jsonOf, type Output } from '../output.ts';
import { EXIT, EXIT_HELP, exitOf } from './exit.ts';
import { DEFAULT_FILE, defaultAuthor, readClusterFile, Session } from './session.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface VerbSpec {
  /** Its own part of the help: usage, what it does, its options, an example. */
  readonly help: string;
  readonly options?: Options;
}

export interface Asked {
  readonly words: readonly string[];
  readonly json: boolean;
  readonly io: Output;
  /** An option's value; undefined = it was not given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  flag(name: string): boolean;
}

const COMMON: Options = {
  cluster: { type: 'string', default: process.env['FOURLANE_CLUSTER'] || DEFAULT_FILE },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

const COMMON_HELP = `  --cluster FILE  the cluster: a file with the key cluster (default: $FOURLANE_CLUSTER, else ${DEFAULT_FILE})
  --by NAME       who asks; default USER@HOST
  --json          print the result, or the error, as JSON
  --help          this text

Exit status:
${EXIT_HELP}
`;

export const usage = (message: string): FourlaneError => new FourlaneError('USAGE', message);

/** Runs a verb without a session: its words are read, its errors become text and exit codes. */
export async function runVerb(
  argv: readonly string[],
  io: Output,
  { help, options = {} }: VerbSpec,
  run: (asked: Asked, common: { readonly cluster: string; readonly by: string }) => Promise<number>,
): Promise<number> {
  const isJson = argv.includes('--json');
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...COMMON, ...options },
    });
    const value = (name: string): unknown => (values as Readonly<Record<string, unknown>>)[name];
    if (value('help') === true) {
      io.out(`${help}${COMMON_HELP}`);
      return EXIT.done;
    }
    const asked: Asked = {
      words: positionals,
      json: value('json') === true,
      io,
      text: (name) => value(name) as string | undefined,
      list: (name) => (value(name) as readonly string[] | undefined) ?? [],
      flag: (name) => value(name) === true,
    };
    return await run(asked, { cluster: String(value('cluster')), by: asked.text('by') ?? defaultAuthor() });
  } catch (error) {
    if (!isForUser(error)) throw error;
    const code = error instanceof FourlaneError ? error.code : 'USAGE';
    if (isJson) io.out(jsonOf({ error: { code, message: error.message } }));
    else io.err(`fourlane: ${error.message}\n`);
    return exitOf(code);
  }
}

/** Runs a verb with the cluster that it names. */
export function withSession(
  argv: readonly string[],
  io: Output,
  spec: VerbSpec,
  run: (session: Session, asked: Asked) => Promise<number>,
): Promise<number> {
  return runVerb(argv, io, spec, async (asked, { cluster, by }) => {
    const session = new Session(await readClusterFile(cluster), by);
    try {
      return await run(session, asked);
    } finally {
      await session.close();
    }
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ms of `90s`, `2m`, `1h`; throws USAGE. */
export function durationOf(option: string, text: string): number {
  const m = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (m === null) throw usage(`${option}: found ${text}; write a number with ms, s, m, h or d, such as 90s`);
  return Number(m[1]) * UNITS[m[2]!]!;
}

/** A whole number from 0 to `most`; throws USAGE. */
export function countOf(option: string, text: string, most = 10_000): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value > most) throw usage(`${option}: found ${text}; allowed: 0 … ${most}`);
  return value;
}

/** `--why`, which changes need. */
export function whyOf(asked: Asked): string {
  const why = asked.text('why')?.trim();
  if (why === undefined || why === '') throw usage('--why TEXT is missing: it is what the next one reads');
  return why;
}
