/** `fourlane replay`: the judge run over a recorded evidence log. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { formatTransition, Replay } from '../judge/replay.ts';
import { FourlaneError } from '../model/errors.ts';
import type { Transition } from '../model/verdict.ts';
import { type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane replay [--evidence] FILE

Runs the judge over an evidence log and prints each change of a verdict as a JSON line. The agent records such a log when the
configuration names one (evidence.log), and its replay is the run it was recorded from: the same changes at the same times.
docs/attribution.md describes the format.

  FILE         the log; - reads standard input
  --evidence   adds the evidence behind each verdict and what it was before

Example: fourlane replay test/fixtures/evidence/02-nic-link.jsonl
`;

/** Runs the command; resolves to the exit code. Throws FourlaneError EVIDENCE_INVALID naming the line at fault. */
export async function replay(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { evidence: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const [file] = positionals;
  if (file === undefined || positionals.length !== 1) {
    throw new FourlaneError('USAGE', `needed is one evidence log, found ${positionals.length}; see fourlane replay --help`);
  }
  const print = (transitions: readonly Transition[]) => {
    for (const transition of transitions) out(`${values.evidence ? JSON.stringify(transition) : formatTransition(transition)}\n`);
  };
  const run = new Replay((notice) => err(`${file}: ${notice}\n`));
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) print(run.line(line));
    print(run.end());
  } catch (error) {
    if (error instanceof FourlaneError) throw new FourlaneError(error.code, `${file}: ${error.message}`, { cause: error });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new FourlaneError('EVIDENCE_INVALID', `${file} can't be read: ${message}`, { cause: error });
  }
  return 0;
}
