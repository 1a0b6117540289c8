/** `fourlane doctor`: looks at what an LVS or DPVS machine needs, and reports what to do. Changes nothing. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { type ConfigState, ROLES, type Role } from '../doctor/check.ts';
import { thisHost } from '../doctor/host.ts';
import { checks } from '../doctor/index.ts';
import { count, examine, type Result } from '../doctor/run.ts';
import { FourlaneError } from '../model/errors.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { columns, json, type Output, terminal } from './output.ts';

const LIMIT_MS = 10_000;

const HELP = `Usage: fourlane doctor [--config FILE] [--json]
       fourlane doctor --role real-server --vip VIP[,VIP...] [--json]

Looks at what a load balancer, or a real server behind direct routing, needs: one line for each thing, ok, warn, fail or
skipped, with the command that mends it. All checks run side by side, at most ${LIMIT_MS / 1000} s. It changes nothing.

  --config FILE   the agent's configuration: its NICs, services and collectors are looked at too
  --role ROLE     ${ROLES.join(' or ')}; default ${ROLES[0]}
  --vip VIP       address that the real server answers for; several by comma or by repeating
  --json          the findings as JSON

Checks:
${checks.map((check) => `  ${check.name.padEnd(14)} ${check.summary}`).join('\n')}

Exit status: 0 nothing failed, 1 something did.

Example: fourlane doctor --config /etc/fourlane.yaml
`;

/** Runs the command; resolves to the exit status. */
export async function doctor(argv: readonly string[], { out }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      role: { type: 'string', default: ROLES[0]! },
      vip: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (positionals.length > 0)
    throw new FourlaneError('USAGE', `found "${positionals[0]}"; doctor takes options only, see --help`);
  const role = roleOf(values.role);
  const vips = values.vip.flatMap((text) => text.split(',')).map(addressOf);
  if ((role === 'real-server') !== vips.length > 0) {
    throw new FourlaneError('USAGE', '--role real-server and --vip belong together: --role real-server --vip 10.0.0.1');
  }
  const config = values.config === undefined ? {} : load(values.config);
  const results = await examine(checks, (signal) => ({ role, config, vips, host: thisHost(signal, LIMIT_MS), signal }), {
    limitMs: LIMIT_MS,
  });
  const counts = count(results);
  out(values.json ? json({ role, counts, findings: results }) : `${list(results, counts)}\n`);
  return counts.fail > 0 ? 1 : 0;
}

function roleOf(text: string): Role {
  const role = ROLES.find((r) => r === text);
  if (role === undefined) throw new FourlaneError('USAGE', `--role ${text}: there are ${ROLES.join(' and ')}`);
  return role;
}

function addressOf(text: string): string {
  const address = parseAddress(text.trim(), true);
  if (address === undefined || address.port !== 0)
    throw new FourlaneError('USAGE', `--vip ${text}: write an IP address like 10.0.0.1 or fd71::100`);
  return formatAddress(address);
}

/** A configuration that is not valid is a finding, not the end. */
function load(file: string): ConfigState {
  try {
    return { file, plan: loadPlanFile(file, { hostname: hostname() }) };
  } catch (error) {
    if (error instanceof FourlaneError) return { file, problem: error.message };
    throw error;
  }
}

const OUTCOME_WIDTH = 7;

/** One line for each finding, the remedy below it, and the sums. */
function list(results: readonly Result[], counts: ReturnType<typeof count>): string {
  const rows = results.map(({ outcome, check, subject, message }) => {
    return [outcome, check, `${subject === undefined ? '' : `${subject}: `}${message}`];
  });
  const lines = columns(rows, [OUTCOME_WIDTH]).flatMap((line, i) => {
    const { fix, outcome } = results[i]!;
    return fix === undefined
      ? [line]
      : [line, `${' '.repeat(OUTCOME_WIDTH + 2)}${outcome === 'skipped' ? 'run' : 'fix'}: ${fix}`];
  });
  const sums = Object.entries(counts).map(([outcome, n]) => `${n} ${outcome}`);
  return [...lines, '', sums.join(', ')].join('\n');
}
