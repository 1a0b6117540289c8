/** `fourlane init`: writes a configuration from what it finds on this machine. Changes nothing else. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPlan } from '../config/load.ts';
import { checkProblem } from '../config/profiles.ts';
import { thisHost } from '../doctor/host.ts';
import { sources } from '../init/index.ts';
import { lookAround } from '../init/look.ts';
import { plural } from '../init/plural.ts';
import { type Written, write } from '../init/write.ts';
import { FourlaneError } from '../model/errors.ts';
import { pathsMatching } from '../sys/glob.ts';
import { createFile, FileError } from '../sys/files.ts';
import { columns, type Output, terminal } from './output.ts';

const DEFAULT_FILE = 'fourlane.yaml';
/** It may get secrets: not for every user, see docs/operations.md. */
const MODE = 0o640;
/** For one command or request. */
const LIMIT_MS = 10_000;
/** That a configuration includes. */
const MOST_FILES = 2000;

const HELP = `Usage: fourlane init [--output FILE | --stdout] [--import]

Looks at this machine and writes a commented configuration that check-config accepts; each line says where it is from. The
agent only observes with it. Nothing else is changed, and a file that exists is never overwritten. The same machine gives the
same bytes.

  --output FILE   where to write; default ./${DEFAULT_FILE}
  --stdout        print the file instead
  --import        services of a keepalived.conf are not written down but imported from it, in shadow mode

Looks for:
${sources.map((source) => `  ${source.name.padEnd(11)} ${source.summary}`).join('\n')}

Exit status: 0 written, 1 not.

Example: fourlane init && fourlane check-config ${DEFAULT_FILE}
`;

/** Runs the command; resolves to the exit status. */
export async function init(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      stdout: { type: 'boolean' },
      import: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new FourlaneError('USAGE', `found "${positionals[0]}"; write --output ${positionals[0]}`);
  if (values.stdout && values.output !== undefined) throw new FourlaneError('USAGE', 'write --output or --stdout, not both');
  const signal = AbortSignal.timeout(10 * LIMIT_MS);
  const seen = await lookAround(sources, {
    host: thisHost(signal, LIMIT_MS),
    env: process.env,
    paths: (pattern) => pathsMatching(pattern, MOST_FILES),
  });
  const written = write(seen, { problemOf: checkProblem, imports: values.import === true });
  // What check-config would refuse is a defect of ours; then no file is better than a bad one.
  loadPlan(written.text, 'the file that init made', { hostname: hostname() });
  const looks = seen.looks.map(({ source, outcome, text }) => [outcome, source, text]);
  err(`${columns(looks).join('\n')}\n\n`);
  if (values.stdout) {
    out(written.text);
    err(`${counted(written)}\n`);
    return 0;
  }
  return save(written, values.output ?? DEFAULT_FILE, { out, err });
}

async function save(written: Written, file: string, { out, err }: Output): Promise<number> {
  try {
    await createFile(resolve(file), written.text, MODE);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const exists = `${file} exists, and init overwrites nothing; write --output with another name, or --stdout to compare`;
    err(`fourlane: ${error.code === 'EEXIST' ? exists : error.message}\n`);
    return 1;
  }
  out(`${file}: ${counted(written)}\nNext: fourlane check-config ${file}\n`);
  return 0;
}

function counted({ nics, services, realServers, leftOut }: Written): string {
  const rest = leftOut === 0 ? '' : `; left out: ${leftOut}, listed in it`;
  return `${plural(nics, 'NIC')}, ${plural(services, 'service')}, ${plural(realServers, 'real server')}${rest}`;
}
