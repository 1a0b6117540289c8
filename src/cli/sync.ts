/** `fourlane sync compare`: how many connections of kernel LVS a fail-over would keep. */
import { parseArgs } from 'node:util';
import { askSync } from '../collect/sync/ask.ts';
import { compareSync, rowsOf, type SyncComparison, type SyncRow, type SyncView, viewOfAnswer } from '../collect/sync/compare.ts';
import { FourlaneError } from '../model/errors.ts';
import { json, type Output, table, terminal } from './output.ts';

const HELP = `Usage: fourlane sync compare --peer URL [--url URL] [--json]

Compares what kernel LVS has on two servers whose connections are synchronised, from what their agents answer: established
connections of each real server at the master and at the backup, syncids, drops. Changes nothing.

Short connections are never handed over (net.ipv4.vs.sync_threshold), and both are read some seconds apart: with many of those
the share stays below 100 %.

  --peer URL   the agent of the other server: http://HOST:PORT
  --url URL    the agent of this one (default: http://127.0.0.1:9844)
  --least N    share in percent below which the exit status is 2 (default: 95)
  --json       the comparison as JSON

Exit status: 0 a fail-over keeps enough, 2 it does not, 1 they are no pair, or wrong options, 3 an agent does not answer.

Example: fourlane sync compare --peer http://lb-02:9844
`;

const DEFAULT_URL = 'http://127.0.0.1:9844';
const TIMEOUT_MS = 10_000;
const BELOW = 2;
const NO_AGENT = 3;

/** Runs the command; resolves with its exit status. */
export async function syncCommand(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      peer: { type: 'string' },
      url: { type: 'string', default: DEFAULT_URL },
      least: { type: 'string', default: '95' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const least = Number(values.least);
  if (positionals.join(' ') !== 'compare' || values.peer === undefined || !(least >= 0 && least <= 100))
    throw new FourlaneError('USAGE', `ask \`sync compare --peer URL\`; --least is 0 to 100\n\n${HELP.trimEnd()}`);
  let views: readonly SyncView[];
  try {
    views = await Promise.all([values.url, values.peer].map(viewOf));
  } catch (error) {
    err(`fourlane: ${(error as Error).message}\n`);
    return NO_AGENT;
  }
  const [here, peer] = views;
  const compared = compareSync(here!, peer!);
  if ('noPair' in compared) {
    err(`fourlane: ${compared.noPair}\n`);
    return 1;
  }
  const rows = compared.master === 'here' ? rowsOf(here!, peer!) : rowsOf(peer!, here!);
  out(values.json ? json({ ...compared, rows }) : render(compared, rows));
  return compared.ratio * 100 < least || compared.problems.length > 0 ? BELOW : 0;
}

/** Rejects when no agent answers there as one that reads kernel LVS. */
async function viewOf(base: string): Promise<SyncView> {
  const noAgent = (why: string) => new Error(`no agent at ${base} (${why})`);
  if (!URL.canParse(base)) throw noAgent('this is no URL');
  try {
    return viewOfAnswer(await askSync(base, { timeoutMs: TIMEOUT_MS }));
  } catch (error) {
    throw noAgent((error as Error).message);
  }
}

function render({ master, ratio, problems }: SyncComparison, rows: readonly SyncRow[]): string {
  const cells = rows.map((row) => [row.service, row.realServer, String(row.master), String(row.backup)]);
  const where = master === 'here' ? 'here' : 'the peer';
  const share = `a fail-over keeps ${(100 * ratio).toFixed(1)} % of the connections; the master is ${where}`;
  return `${[table([['SERVICE', 'REAL SERVER', 'MASTER', 'BACKUP'], ...cells]), ...problems, share].join('\n')}\n`;
}
