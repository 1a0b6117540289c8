/** `fourlane plan snat`: which addresses and prefixes the servers of a cluster use, and what to configure for them. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadPlanFile } from '../config/load.ts';
import { CONFIGURATION, PROGRAMS, type Program, wantedOf } from '../edge/configure.ts';
import { edgeOf, type EdgeFinding, type EdgeReport, lintEdge } from '../edge/lint/rules.ts';
import { formatIp, formatPrefix, parsePrefix, sizeOf } from '../edge/prefix.ts';
import {
  clusterPrefix,
  PORTS_PER_ADDRESS,
  serverCapacity,
  serverPlan,
  shapeOf,
  type SnatPlan,
  snatPlan,
} from '../edge/snat-plan.ts';
import { FourlaneError } from '../model/errors.ts';
import { type Plan, SNAT_LEVELS } from '../model/plan.ts';
import { edgeSeen } from './edge-seen.ts';
import { columns, json, type Output, table, terminal } from './output.ts';

const MOST_ROWS = 64;

const HELP = `Usage: fourlane plan snat --config FILE [options]
       fourlane plan snat --pool PREFIX --servers N --cores N [--groups N] [--server I] [--json]

Divides the addresses that a cluster uses towards its real servers: a range for each server, in it one for the cores of
each NIC (a group), in it an address for each core. Announced by BGP, the three lengths of prefix let the other NIC take
over the addresses of a NIC, and the other servers those of a server. Changes nothing.

  --config FILE   the configuration, with the keys snat and bgp; looks for mistakes in them too
  --live          with --config: compare with this machine as well: routing daemons, DPVS, addresses, routes
  --for PROGRAM   what to configure on this server, instead of the tables: ${PROGRAMS.join(', ')}
  --as N          with --for frr: the number of this server's autonomous system
  --pool PREFIX   addresses of the cluster, such as 10.0.0.0/24
  --servers N     servers, at most
  --cores N       data-plane cores of a server
  --groups N      groups of cores, one for each NIC; default 1
  --server I      show the groups and cores of this server, from 0
  --json          the same as JSON

Exit status: 0 nothing found, 1 warnings or wrong options, 2 errors.

Example:
  fourlane plan snat --pool 10.0.0.0/24 --servers 16 --cores 16 --groups 2 --server 3
`;

/** Runs the command; resolves to the exit status. */
export async function planCommand(argv: readonly string[], { out, err }: Output = terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      live: { type: 'boolean', default: false },
      for: { type: 'string' },
      as: { type: 'string' },
      pool: { type: 'string' },
      servers: { type: 'string' },
      cores: { type: 'string' },
      groups: { type: 'string', default: '1' },
      server: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (positionals.length !== 1 || positionals[0] !== 'snat')
    throw new FourlaneError('USAGE', `found ${positionals.join(' ') || 'nothing'}; allowed: snat\n\n${HELP.trimEnd()}`);
  const config = values.config === undefined ? undefined : loadPlanFile(values.config, { hostname: hostname() });
  const plan = config === undefined ? planOf(values) : configured(config, values.config!);
  const server = serverOf(values.server, plan, config);
  if (values.for !== undefined) {
    out(configuration(values.for, values.as, config));
    return 0;
  }
  if (values.live && config === undefined) throw new FourlaneError('USAGE', '--live needs --config, with the key snat');
  const seen = values.live ? await edgeSeen(config!, (line) => err(`${line}\n`)) : {};
  const { findings, skipped } = lintEdge(edgeOf(config ?? withoutNics(plan, values.pool!, server))!, seen);
  out(values.json ? json(asJson(plan, server, findings)) : asText(plan, server));
  if (!values.json) err(findingsText(findings));
  if (values.live) err(skippedText(skipped));
  return findings.some(({ level }) => level === 'error') ? 2 : Number(findings.some(({ level }) => level === 'warning'));
}

function configured({ snat }: Plan, file: string): SnatPlan {
  if (snat === undefined) throw new FourlaneError('USAGE', `${file} has no key snat; docs/bgp.md describes it`);
  return snatPlan(shapeOf(snat));
}

/** A configuration of nothing but the plan, its groups on NICs without names. */
function withoutNics({ servers, groups, coresOfServer }: SnatPlan, pool: string, server = 0) {
  const nics = Object.fromEntries(Array.from({ length: groups.wanted }, (_, group) => [`group ${group}`, group]));
  const snat = { pool, servers: servers.wanted, cores: coresOfServer, server, groups: nics, announce: SNAT_LEVELS };
  return { snat, nics: [], services: [], targets: [] };
}

interface Numbers {
  readonly pool?: string | undefined;
  readonly servers?: string | undefined;
  readonly cores?: string | undefined;
  readonly groups: string;
}

function planOf({ pool, servers, cores, groups }: Numbers): SnatPlan {
  if (pool === undefined) throw new FourlaneError('USAGE', `name --config or --pool\n\n${HELP.trimEnd()}`);
  if (parsePrefix(pool) === undefined) throw new FourlaneError('USAGE', `--pool: ${pool} is not a prefix such as 10.0.0.0/24`);
  const shape = { pool, servers: count('servers', servers), cores: count('cores', cores), groups: count('groups', groups) };
  if (shape.groups > shape.cores)
    throw new FourlaneError('USAGE', `--groups: found ${groups} for ${cores} cores; each needs a core`);
  return snatPlan(shape);
}

const MOST = 4096;

function count(name: string, text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !Number.isInteger(value) || value < 1 || value > MOST)
    throw new FourlaneError('USAGE', `--${name}: found ${text ?? 'nothing'}; allowed: 1 … ${MOST}`);
  return value;
}

function serverOf(text: string | undefined, plan: SnatPlan, config: Plan | undefined): number | undefined {
  if (text === undefined) return config?.snat?.server;
  const server = Number(text);
  if (!/^\d+$/.test(text) || server >= plan.servers.wanted)
    throw new FourlaneError('USAGE', `--server: found ${text}; allowed: 0 … ${plan.servers.wanted - 1}`);
  return server;
}

function configuration(name: string, as: string | undefined, config: Plan | undefined): string {
  const program = PROGRAMS.find((one): one is Program => one === name);
  if (program === undefined) throw new FourlaneError('USAGE', `--for: found ${name}; allowed: ${PROGRAMS.join(', ')}`);
  const edge = config && edgeOf(config);
  if (config === undefined || edge === undefined) throw new FourlaneError('USAGE', '--for needs --config, with the key snat');
  if (program === 'frr' && !/^[1-9]\d{0,9}$/.test(as ?? ''))
    throw new FourlaneError('USAGE', `--for frr needs --as N, the number of this server's autonomous system`);
  return CONFIGURATION[program](wantedOf(config, edge.own, as ?? ''));
}

const last = (plan: SnatPlan, base: bigint, size: bigint) => formatIp(plan.family, base + size - 1n);

function asText(plan: SnatPlan, server: number | undefined): string {
  const { lengths, pool, perServer, perCluster } = plan;
  const cluster = clusterPrefix(plan);
  const levels = [
    ['level', 'length', 'addresses', 'announced by', 'over'],
    ['group', `/${lengths.group}`, String(plan.cores.slots), 'its server', "the group's NIC"],
    ['server', `/${lengths.server}`, String(perServer), 'its server', 'all its NICs'],
    ['cluster', `/${lengths.cluster}`, String(perCluster), 'every server', 'all NICs'],
  ];
  const capacity =
    `${serverCapacity(plan)} connections of a server to one port of a real server ` +
    `(${plan.coresOfServer} cores × ${PORTS_PER_ADDRESS} ports).`;
  const parts = [
    `Pool ${formatPrefix(pool)} (${sizeOf(pool)} addresses), cluster ${formatPrefix(cluster)}.\n${capacity}`,
    table(levels),
    server === undefined ? serversText(plan) : serverText(plan, server),
  ];
  return `${parts.join('\n\n')}\n`;
}

function serversText(plan: SnatPlan): string {
  const shown = Math.min(plan.servers.wanted, MOST_ROWS);
  const rows = Array.from({ length: shown }, (_, server) => {
    const { prefix, groups } = serverPlan(plan, server);
    const range = `${formatIp(plan.family, prefix.base)} … ${last(plan, prefix.base, plan.perServer)}`;
    return [`server ${server}`, formatPrefix(prefix), range, groups.map((g) => formatPrefix(g.prefix)).join(' ')];
  });
  const more = plan.servers.wanted - shown;
  return [...columns(rows), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function serverText(plan: SnatPlan, server: number): string {
  const { prefix, groups } = serverPlan(plan, server);
  const rows = groups.flatMap((group) => [
    [`group ${group.group}`, formatPrefix(group.prefix)],
    ...group.cores.map(({ core, address }) => [`  core ${core}`, address]),
  ]);
  return [`Server ${server}: ${formatPrefix(prefix)}`, ...columns(rows)].join('\n');
}

function asJson(plan: SnatPlan, server: number | undefined, findings: readonly EdgeFinding[]) {
  const servers = server === undefined ? Array.from({ length: plan.servers.wanted }, (_, i) => i) : [server];
  return {
    pool: formatPrefix(plan.pool),
    cluster: formatPrefix(clusterPrefix(plan)),
    lengths: plan.lengths,
    slots: { servers: plan.servers, groups: plan.groups, cores: plan.cores },
    connectionsPerServer: serverCapacity(plan),
    servers: servers.map((one) => {
      const { prefix, groups } = serverPlan(plan, one);
      return { server: one, prefix: formatPrefix(prefix), groups: groups.map((g) => ({ ...g, prefix: formatPrefix(g.prefix) })) };
    }),
    findings,
  };
}

/** What the rules that did not run lacked. */
function skippedText(skipped: EdgeReport['skipped']): string {
  return [...skipped].map(([code, facts]) => `${code} was not looked at: ${facts.join(', ')} not known\n`).join('');
}

function findingsText(findings: readonly EdgeFinding[]): string {
  return findings.map(({ code, name, level, message, fix }) => `${code} ${name} (${level}): ${message}; ${fix}\n`).join('');
}
