/** `fourlane genhash`: the digest of a page, as keepalived's genhash prints it. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { PageDigest } from '../checks/page-digest.ts';
import { httpParameters } from '../checks/http-parameters.ts';
import { StreamProbe } from '../checks/stream-probe.ts';
import { FourlaneError } from '../model/errors.ts';
import { CAUSES, OK, type ProbeResult } from '../model/outcome.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { makeBinding } from '../sys/binding.ts';
import { errnoName } from '../sys/errno.ts';
import { sockaddrOf } from '../sys/sockaddr.ts';
import { type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane genhash -s ADDRESS -p PORT -u PATH [OPTION …]

The MD5 of a page for digest of an http or ssl check, the same as keepalived's genhash prints. It is over all that follows the
header: the framing of a chunked body included, so that of such a page it is the same only while the server cuts it the same way.

  -s, --server ADDRESS        address of the server
  -p, --port PORT             its port
  -u, --url PATH              path of the page
  -S, --use-ssl, --ssl        over TLS
  -I, --use-sni               with the name of --virtualhost as server name
  -V, --use-virtualhost NAME, --virtualhost NAME
                              Host header
  -P, --protocol VERSION      1.0 (default), 1.0c (with Connection: close) or 1.1
  -t, --timeout SECONDS       longest time; default 5
  -m, --fwmark MARK           firewall mark of the packets
      --nic NAME              through this interface
  -v, --verbose               length and time too

Exit status: 0 with a digest, 1 without.

Example: fourlane genhash -s 10.1.0.1 -p 8080 -u /health
`;

const OPTIONS = {
  server: { type: 'string', short: 's' },
  port: { type: 'string', short: 'p' },
  url: { type: 'string', short: 'u' },
  'use-ssl': { type: 'boolean', short: 'S' },
  ssl: { type: 'boolean' },
  'use-sni': { type: 'boolean', short: 'I' },
  'use-virtualhost': { type: 'string', short: 'V' },
  virtualhost: { type: 'string' },
  protocol: { type: 'string', short: 'P' },
  timeout: { type: 'string', short: 't' },
  fwmark: { type: 'string', short: 'm' },
  nic: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Nothing but the kernel's route decides the way. */
const UNBOUND = { device: undefined, source4: undefined, source6: undefined };
const MOST_SECONDS = 3600;

/** Runs the command; resolves with its exit status. */
export async function genhash(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const { server, port, url, nic } = values;
  if (server === undefined || port === undefined || url === undefined)
    throw new FourlaneError('USAGE', `-s, -p and -u are needed\n\n${HELP}`);
  const address = parseAddress(server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`);
  if (address === undefined)
    throw new FourlaneError('USAGE', `found "${server}" and "${port}"; needed are an IP address, not a name, and a port`);
  const host = values.virtualhost ?? values['use-virtualhost'];
  const parameters = readParameters({ path: url, host, protocol: (values.protocol ?? '1.0').toUpperCase() });
  const seconds = Number(values.timeout ?? 5);
  if (!(seconds > 0 && seconds <= MOST_SECONDS))
    throw new FourlaneError(
      'USAGE',
      `--timeout ${values.timeout}: found "${values.timeout}"; allowed: above 0 to ${MOST_SECONDS} seconds`,
    );
  const exchange = new PageDigest(parameters, formatAddress(address));
  const tls = { parameters: { verify: false }, name: () => (values['use-sni'] ? host : undefined) };
  const result = await new StreamProbe({
    ...(values.ssl || values['use-ssl'] ? { tls } : {}),
    exchange,
    maxBytes: Number.POSITIVE_INFINITY,
    context: {
      nic: nic ?? '',
      device: nic ?? '',
      binding: nic === undefined ? UNBOUND : makeBinding(nic, undefined, false).binding,
      sockaddr: sockaddrOf(address),
      mark: readMark(values.fwmark),
      timeoutMs: seconds * 1000,
      patient: true,
      signal: new AbortController().signal,
      certificate: () => undefined,
      work: (piece) => piece(),
    },
  }).run();
  if (result.outcome !== OK) {
    err(`fourlane genhash: no digest of ${formatAddress(address)}${url}: ${reason(result)}\n`);
    return 1;
  }
  out(`${exchange.digest}\n`);
  if (values.verbose) out(`${exchange.length} bytes, status ${exchange.status}, ${(result.elapsedUs / 1000).toFixed(1)} ms\n`);
  return 0;
}

function readMark(text: string | undefined): number {
  const mark = Number(text ?? 0);
  if (Number.isInteger(mark) && mark >= 0 && mark <= 0xffff_ffff) return mark;
  throw new FourlaneError('USAGE', `--fwmark: found "${text}"; allowed: 0 to 4294967295`);
}

function readParameters(values: { path: string; host: string | undefined; protocol: string }) {
  const parsed = z.strictObject(httpParameters).safeParse(values);
  if (parsed.success) return parsed.data;
  const option = { path: '--url', host: '--virtualhost', protocol: '--protocol' } as const;
  const { path, message } = parsed.error.issues[0]!;
  const name = path[0] as keyof typeof option;
  throw new FourlaneError(
    'USAGE',
    `${option[name]} "${values[name]}" ${message.replace(/^Invalid option: expected/, 'is not allowed:')}`,
  );
}

function reason({ cause, detail }: ProbeResult): string {
  const name = CAUSES[cause]!;
  if (name === 'errno') return errnoName(detail);
  if (name === 'deadline') return 'it did not come in time; raise --timeout';
  if (name === 'closed') return 'the connection was closed before the page was complete';
  return detail === 0 ? name : `${name} ${detail}`;
}
