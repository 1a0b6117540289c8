/** `fourlane probe`: one check, once, by hand: what the lanes do, with phases and timing. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { checkKinds } from '../checks/index.ts';
import { explain } from '../config/explain.ts';
import { checkProfile } from '../config/profiles.ts';
import { withoutSecrets } from '../config/secrets.ts';
import { probeOnce } from '../lanes/once.ts';
import { FourlaneError } from '../model/errors.ts';
import { CAUSES, LINK_EVIDENCE, OUTCOMES, PHASES, SERVICE_EVIDENCE } from '../model/outcome.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { errnoName } from '../sys/errno.ts';
import { type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane probe --nic N [--source IP] [--check JSON] [--json] HOST:PORT

One check, once, through one NIC, exactly as the agent's lanes do it.

  --nic N        the interface the socket is bound to
  --check JSON   a check as in the configuration; default {"type":"tcp"}
  --source IP    local address
  --json         the result as JSON

Kinds: ${checkKinds.map((checkKind) => `${checkKind.name} (${checkKind.summary})`).join(', ')}.
Exit status: 0 good, 2 bad, 3 unknown.

Example: fourlane probe --nic eth2 --check '{"type":"http","path":"/health"}' 10.1.0.1:8080
`;

/** Runs the command; resolves to the exit code. */
export async function probe(argv: readonly string[], { out }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      nic: { type: 'string' },
      source: { type: 'string' },
      check: { type: 'string', default: '{"type":"tcp"}' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (values.nic === undefined) throw new FourlaneError('USAGE', '--nic N is missing: name the interface to probe through');
  const { profile, kind } = parseCheck(values.check);
  const text = positionals[0];
  const address = text === undefined ? undefined : parseAddress(text, !kind.needsPort);
  if (address === undefined || positionals.length !== 1) {
    throw new FourlaneError(
      'USAGE',
      `found "${positionals.join(' ')}"; needed is one address like 10.1.0.1:80 or [fd72::11]:80, not a name`,
    );
  }
  const result = await probeOnce(values.nic, values.source, profile, address);
  const link = LINK_EVIDENCE[result.outcome]!;
  const service = SERVICE_EVIDENCE[result.outcome]!;
  const named = {
    target: formatAddress(address),
    nic: values.nic,
    check: withoutSecrets(profile),
    outcome: OUTCOMES[result.outcome]!,
    link: word(link),
    service: word(service),
    phase: PHASES[result.phase]!,
    cause: CAUSES[result.cause]!,
    detail: result.detail,
    rtt_us: result.rttUs,
    elapsed_us: result.elapsedUs,
    bound_to_device: result.bound,
    ...(result.certificateNotAfterMs === undefined
      ? {}
      : { certificate_not_after: new Date(result.certificateNotAfterMs).toISOString() }),
  };
  out(values.json ? `${JSON.stringify(named)}\n` : readable(named));
  if (service === 0) return link < 0 ? 2 : 3;
  return service > 0 ? 0 : 2;
}

function word(evidence: number): string {
  return evidence > 0 ? 'good' : evidence < 0 ? 'bad' : 'unknown';
}

function parseCheck(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FourlaneError('USAGE', `--check is not JSON: ${(error as Error).message}`, { cause: error });
  }
  // Read as the one entry of a config's `checks`, so that mistakes are explained as in the file.
  const wrapped = { checks: { check: value } };
  const parsed = z.object({ checks: z.object({ check: checkProfile }) }).safeParse(wrapped);
  if (!parsed.success) {
    const problems = explain(parsed.error, wrapped).map((i) => `  ${i.path.slice(2).join('.') || '(the check)'}: ${i.message}`);
    throw new FourlaneError('USAGE', `--check is not a valid check:\n${problems.join('\n')}`);
  }
  const profile = parsed.data.checks.check;
  return { profile, kind: checkKinds.find((checkKind) => checkKind.name === profile.type)! };
}

interface Named {
  readonly target: string;
  readonly nic: string;
  readonly check: unknown;
  readonly outcome: string;
  readonly link: string;
  readonly service: string;
  readonly phase: string;
  readonly cause: string;
  readonly detail: number;
  readonly rtt_us: number;
  readonly elapsed_us: number;
  readonly bound_to_device: boolean;
  readonly certificate_not_after?: string;
}

function readable(named: Named): string {
  const because =
    named.cause === 'none'
      ? ''
      : ` (${named.cause}${
          named.cause === 'errno' ? ` ${errnoName(named.detail)}` : named.detail === 0 ? '' : ` ${named.detail}`
        })`;
  const lines = [
    `${named.target} through ${named.nic}: ${named.outcome}${because}`,
    `  link ${named.link}, service ${named.service}; ended in phase ${named.phase}`,
    `  ${named.rtt_us > 0 ? `round trip ${named.rtt_us} µs, ` : ''}elapsed ${(named.elapsed_us / 1000).toFixed(1)} ms`,
    `  check ${JSON.stringify(named.check)}`,
  ];
  if (named.certificate_not_after !== undefined) lines.push(`  certificate valid until ${named.certificate_not_after}`);
  if (!named.bound_to_device)
    lines.push('  not bound to the device: this kernel refuses SO_BINDTODEVICE; the route decides the NIC');
  return `${lines.join('\n')}\n`;
}
