/** `fourlane passthrough`: whether real servers get the address of the client as the configuration declares it. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { FourlaneError } from '../model/errors.ts';
import type { Plan, Service } from '../model/plan.ts';
import { json, type Output, table, terminal } from './output.ts';
import { headerVersion, judgeCheck, judgeEcho, judgeListener, type Verified } from './passthrough/judge.ts';
import { Requests } from './passthrough/requests.ts';

const HELP = `Usage: fourlane passthrough --config FILE [--service NAME] [--json]

Asks every real server of the services with the key passthrough, one after the other, through the first NIC of the service:

  P0  its checks send the PROXY protocol header that it expects, or none
  P1  its listener takes that header, and refuses a request without one
  P2  behind a header of the client 192.0.2.77 it answers at passthrough.echo with that address

Needs real servers that speak HTTP without TLS. Of TOA it looks at P0 and P1 only. Changes nothing.

  --service NAME  only this service
  --json          the findings as JSON

Exit status: 0 all is as declared, 1 something is not, or wrong options.

Example: fourlane passthrough --config /etc/fourlane.yaml
`;

type Row = Verified & { readonly service: string; readonly realServer: string };

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
  const services = plan.services.filter(({ name, passthrough }) => passthrough && (values.service ?? name) === name);
  if (services.length === 0)
    throw new FourlaneError(
      'USAGE',
      `no service ${values.service ?? ''} has the key passthrough; docs/passthrough.md describes it`,
    );
  const rows: Row[] = [];
  for (const service of services) rows.push(...(await verify(plan, service)));
  out(values.json ? json(rows) : `${table(rows.map(asCells))}\n`);
  return Number(rows.some(({ ok }) => !ok));
}

const asCells = ({ service, realServer, level, ok, found }: Row) => [service, realServer, level, ok ? 'ok' : 'MISMATCH', found];

async function verify({ nics, targets }: Plan, service: Service): Promise<readonly Row[]> {
  const passthrough = service.passthrough!;
  const version = headerVersion(passthrough);
  const path = passthrough.echo ?? '/';
  const rows: Row[] = [];
  for (const { target } of service.realServers) {
    const { realServer, address, check } = targets[target]!;
    const add = (verified: Verified) => rows.push({ service: service.name, realServer, ...verified });
    add(judgeCheck(passthrough, check));
    const requests = new Requests(nics[service.nics[0]!]!, address);
    const bare = await requests.answer(path);
    const listener = judgeListener(passthrough, bare, version && (await requests.answer(path, version)));
    add(listener);
    if (version !== undefined && passthrough.echo !== undefined && listener.ok)
      add(judgeEcho(await requests.echo(passthrough.echo, version)));
  }
  return rows;
}
