/** `fourlane passthrough`: whether real servers get the address of the client as the configuration declares it. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { FourlaneError } from '../model/errors.ts';
import { type Result, resultOf, type Verified } from '../passthrough/findings.ts';
import { newHeld, Senders } from '../passthrough/toa/senders.ts';
import { type Job, jobsOf, verify } from '../passthrough/verify.ts';
import { json, type Output, table, terminal } from './output.ts';

const HELP = `Usage: fourlane passthrough --config FILE [--service NAME] [--json]

Asks every real server of the services with the key passthrough, one after the other, through the first NIC of the service,
with TLS where its check is of the type ssl:

  P0  its checks send the PROXY protocol header that it expects, or none
  P1  its listener takes that header, and refuses a request without one
  P2  behind a header of the client 192.0.2.77 it answers at passthrough.echo with that address

  P5  with passthrough.option: on a connection with the TCP option of toa, of the client 192.0.2.77 or 2001:db8::77, it answers
      with that address

and where passthrough.through has vip, the VIP, as a client of it:

  P3  behind the VIP, passthrough.echo answers with the address that this machine asked from

Needs real servers that speak HTTP. Of TOA, P0 and P1 see nothing, P3 and P5 do. Changes nothing.
For P5 the kernel runs a program for connections with the mark of passthrough.option while the command runs.

  --service NAME  only this service
  --json          the findings as JSON

Exit status: 0 all is as declared, 1 something is not or could not be seen, or wrong options.

Example: fourlane passthrough --config /etc/fourlane.yaml
`;

type Row = Verified & Pick<Job, 'service' | 'realServer' | 'way'> & { readonly result: Result };

/** Runs the command; resolves to the exit status. */
export async function passthroughCommand(argv: readonly string[], { out }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      service: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (values.config === undefined || positionals.length > 0)
    throw new FourlaneError('USAGE', `name --config FILE, and options only\n\n${HELP.trimEnd()}`);
  const plan = loadPlanFile(values.config, { hostname: hostname() });
  const jobs = jobsOf(plan).filter(({ service }) => (values.service ?? service) === service);
  const named = values.service === undefined ? 'no service' : `no service ${values.service}`;
  if (jobs.length === 0) throw new FourlaneError('USAGE', `${named} has the key passthrough; docs/passthrough.md describes it`);
  const rows: Row[] = [];
  const senders = new Senders(newHeld(jobs.length));
  for (const one of jobs) {
    const { job, found } = await verify(one, senders);
    rows.push(...found.map((verified) => ({ ...job, ...verified, result: resultOf(verified) })));
  }
  senders.close();
  out(values.json ? json(rows) : `${table(rows.map(asCells))}\n`);
  return Number(rows.some(({ result }) => result !== 'ok'));
}

const WORDS: Readonly<Record<Result, string>> = { ok: 'ok', mismatch: 'MISMATCH', unknown: 'not seen' };

const asCells = ({ service, realServer, level, result, found }: Row) => [
  service,
  realServer === '' ? 'VIP' : realServer,
  level,
  WORDS[result],
  found,
];
