/** `fourlane check-config`: validates a config file and prints the plan it means. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { withoutSecrets } from '../config/secrets.ts';
import type { CheckerPace } from '../model/checker.ts';
import { FourlaneError } from '../model/errors.ts';
import { type CheckProfile, type Plan, type Service, targetsOf } from '../model/plan.ts';
import { columns, isForUser, json, type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane check-config --config FILE [--json]

Validates a configuration file and prints the plan it means: NICs, services, checks and how many of them run per second.
Exit status: 0 valid, 1 not valid or not readable (every problem is printed as file:line:column).

  --config FILE   the file (also accepted without --config)
  --json          print the plan as JSON; secrets are left out

Example:
  fourlane check-config --config /etc/fourlane.yaml
`;

/** Runs the command; resolves to the exit status. Throws what is no mistake of the user's. */
export function checkConfig(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      out(HELP);
      return Promise.resolve(0);
    }
    const file = values.config ?? positionals[0];
    if (file === undefined) throw new FourlaneError('USAGE', `no configuration file is named\n\n${HELP.trimEnd()}`);
    const plan = loadPlanFile(file, { hostname: hostname() });
    out(values.json ? json(publicPlan(plan)) : `${file} is valid.\n\n${describePlan(plan)}`);
    return Promise.resolve(0);
  } catch (error) {
    if (!isForUser(error)) throw error;
    err(`${error.message}\n`);
    return Promise.resolve(1);
  }
}

/** The plan without secrets, with its sums. */
function publicPlan(plan: Plan) {
  const { web, fingerprint: _, ...rest } = plan;
  const authentication = web.bearerToken === undefined ? (web.username === undefined ? 'none' : 'basic') : 'bearerToken';
  return { ...(withoutSecrets(rest) as typeof rest), web: { authentication }, totals: totalsOf(plan) };
}

const ANCHOR_CHECKS_PER_SECOND = 5;

/** Cells = NICs × targets. Checks per second in the steady state, anchors included. */
function totalsOf({ nics, targets }: Plan) {
  const perNic = targets.reduce((sum, t) => sum + 1000 / t.check.interval, 0);
  const anchors = nics.reduce((sum, nic) => sum + nic.anchors.length, 0);
  return {
    nics: nics.length,
    targets: targets.length,
    cells: nics.length * targets.length,
    checksPerSecond: Math.round((nics.length * perNic + anchors * ANCHOR_CHECKS_PER_SECOND) * 100) / 100,
  };
}

const MOST_LINES = 50;

/** The plan for people. */
export function describePlan(plan: Plan): string {
  const { nics, targets, cells, checksPerSecond } = totalsOf(plan);
  const checks = new Map<string, number>();
  for (const { check } of plan.targets) checks.set(describeCheck(check), (checks.get(describeCheck(check)) ?? 0) + 1);
  const nicRows = plan.nics.map((nic) => [
    nic.name,
    nic.group === nic.name ? '' : `group ${nic.group}`,
    nic.device === nic.name ? '' : `device ${nic.device}`,
    nic.anchors.length > 0 ? `anchors ${nic.anchors.map((anchor) => anchor.id).join(', ')}` : 'no anchors',
    `on failure: ${nic.onFail.map((spec) => spec.type).join(', ') || 'nothing'}`,
  ]);
  const serviceRows = plan.services.map((service) => [
    service.name,
    service.name === service.vip ? '' : service.vip,
    `on ${service.nics.map((nic) => plan.nics[nic]!.name).join(', ')}`,
    `${service.realServers.length} real servers${severalChecks(service)}`,
    `panic ${service.panic}`,
    `actuator ${service.actuator.type}`,
  ]);
  const checkRows = [...checks].map(([text, count]) => [`${count} ×`, text]);
  return `${[
    `cluster ${plan.cluster}, server ${plan.server}, listening on ${hostPort(plan.listen)}, state in ${plan.stateDir}`,
    section('NICs', nicRows),
    ...(plan.onIsolated === undefined ? [] : [`when isolated: ${plan.onIsolated.map((spec) => spec.type).join(', ')}`]),
    section('Services', serviceRows),
    section('Checks (real servers × check)', checkRows),
    ...(plan.imports === undefined ? [] : [describeImports(plan.imports)]),
    `${nics} NICs × ${targets} checks = ${cells} cells, ${checksPerSecond} checks/s with anchors`,
    `revision ${plan.revision.slice(0, 12)}`,
  ].join('\n\n')}\n`;
}

/** What was taken over, and what of it is left out or otherwise. */
function describeImports({ file, mode, services, left }: NonNullable<Plan['imports']>): string {
  const rows = left.map((line) => [line]);
  return section(`Imported from ${file} (${mode}): ${services} services; left out, or done otherwise`, rows);
}

/** How many checks each real server has, when it has several. */
function severalChecks({ realServers, combine }: Service): string {
  const most = realServers.reduce((count, server) => Math.max(count, targetsOf(server).length), 1);
  return most === 1 ? '' : ` × ${most} checks, ${combine === 'any' ? 'any is enough' : 'all must be good'}`;
}

function describeCheck({ type, interval, timeout, fall, rise, checker, ...parameters }: CheckProfile): string {
  const own = Object.entries(withoutSecrets(parameters) as object).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  const pace = checker === undefined ? `every ${interval} ms` : keepalivedPace(checker);
  const limits = checker === undefined ? `, fall ${fall}, rise ${rise}` : '';
  return `${type} ${pace}, timeout ${timeout} ms${limits}${own.join('')}`;
}

/** Times of a checker of keepalived, in its words. */
function keepalivedPace({ delayLoop, retry, delayBeforeRetry, warmup, alpha, fastRecovery }: CheckerPace): string {
  const flags = `${alpha ? ', alpha' : ''}${fastRecovery ? ', fast_recovery' : ''}`;
  return `as keepalived: delay_loop ${delayLoop} ms, retry ${retry} after ${delayBeforeRetry} ms, warmup ${warmup} ms${flags}`;
}

function hostPort({ host, port }: Plan['listen']): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A heading and aligned columns; a long list is cut. */
function section(heading: string, rows: readonly (readonly string[])[]): string {
  const lines = columns(rows)
    .slice(0, MOST_LINES)
    .map((line) => `  ${line}`);
  if (rows.length > MOST_LINES) lines.push(`  … and ${rows.length - MOST_LINES} more`);
  return [heading, ...(rows.length === 0 ? ['  none'] : lines)].join('\n');
}
