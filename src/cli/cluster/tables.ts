/** `fourlane cluster status` and `why` as text: tables of what `statusOf` found. */
import type { ClusterStatus, ServerStatus } from '../../model/cluster-status.ts';
import { indent, table } from '../output.ts';

/** A table below its title; nothing when it has no rows. */
function section(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', table([head, ...rows])];
}

const SHORT = 12;

function witnessText({ bad, cannotTell }: ServerStatus): string {
  if (cannotTell !== null) return `no witness: ${cannotTell}`;
  return bad === 0 ? 'all good' : `${bad} bad`;
}

function serverRow(server: ServerStatus): string[] {
  const { ring, site, rack, counts, running, text, version } = server;
  return [
    server.server,
    ring,
    site ?? '',
    rack ?? '',
    counts.toUpperCase(),
    running ?? '–',
    witnessText(server),
    version ?? '',
    text,
  ];
}

/** The whole cluster. */
export function renderStatus(status: ClusterStatus): string {
  const { cluster, rings, servers, rollouts, budgets, drifts, maintenance, poison, problems } = status;
  const done = servers.filter(({ counts }) => counts === 'done').length;
  return [
    `cluster ${cluster}: ${done} of ${servers.length} servers run what they should`,
    ...section(
      ['RING', 'RELEASE', 'ROOT', 'PREPARES', ''],
      rings.map((r) => [
        r.ring,
        String(r.release),
        r.root.slice(0, SHORT),
        r.preparing === null ? '' : String(r.preparing),
        r.text,
      ]),
    ),
    ...section(['SERVER', 'RING', 'SITE', 'RACK', 'STATE', 'RUNS', 'REAL SERVERS', 'VERSION', ''], servers.map(serverRow)),
    ...section(
      ['ROLLOUT', 'RELEASE', 'STATE', ''],
      rollouts.slice(0, 5).map((r) => [String(r.n), String(r.release), r.state, r.text]),
    ),
    ...section(
      ['BUDGET', 'SCOPE', 'GONE', 'HELD BY'],
      budgets.map((b) => [
        b.budget,
        b.scope,
        b.scope === 'cluster' ? `${b.used.length} of at most ${b.max}` : String(b.used.length),
        b.holders.map(({ server, subjects, why }) => `${server} (${subjects.join(', ')}: ${why})`).join(', '),
      ]),
    ),
    ...section(
      ['DRIFT', 'OF', ''],
      drifts.map(({ server, question, text }) => [server, question, text]),
    ),
    ...section(
      ['MAINTENANCE'],
      maintenance.map((each) => [each]),
    ),
    ...section(
      ['POISON', 'WHY'],
      poison.map(({ root, why }) => [root, why]),
    ),
    ...section(
      ['DAMAGED'],
      problems.map((each) => [each]),
    ),
  ].join('\n');
}

/** All that is known of one server; undefined when no roster names it. */
export function renderWhy(status: ClusterStatus, name: string): string | undefined {
  const server = status.servers.find((each) => each.server === name);
  if (server === undefined) return undefined;
  const ring = status.rings.find((each) => each.ring === server.ring);
  const about = status.drifts.filter((each) => each.server === name).map(({ question, text }) => `drift of ${question}: ${text}`);
  const held = status.budgets.flatMap(({ budget, holders }) =>
    holders
      .filter((each) => each.server === name)
      .map(({ subjects, why }) => `holds budget ${budget} for ${subjects.join(', ')}: ${why}`),
  );
  const planned = status.maintenance.filter((each) => each.startsWith(`${name}:`) || each.startsWith(`${name} `));
  const where = [
    `ring ${server.ring}`,
    server.site === null ? '' : `site ${server.site}`,
    server.rack === null ? '' : `rack ${server.rack}`,
  ];
  const lines = [
    where.filter((part) => part !== '').join(', '),
    [
      server.presence,
      server.ready ? 'ready' : 'not ready',
      ...(server.version === null ? [] : [`fourlane ${server.version}`]),
    ].join(', '),
    ring === undefined
      ? ''
      : `should run release ${ring.release} (${ring.root.slice(0, SHORT)}), runs ${server.running ?? 'nothing'}`,
    `real servers: ${witnessText(server)}`,
    ...about,
    ...held,
    ...planned,
  ];
  return `${name}: ${server.counts.toUpperCase()}  ${server.text}\n${indent(lines.filter((line) => line !== '').join('\n'))}`;
}

/** What a release would change on each server that has prepared it; `diff`: what it changes for all. */
export function renderPlan(status: ClusterStatus, root: string, diff: string): string {
  const rows = status.servers.map(({ server, ring, prepared, plan, counts, text }) => {
    if (prepared !== root.slice(0, SHORT) || plan === null)
      return [server, ring, '–', '', '', '', `${counts.toUpperCase()}  ${text}`];
    const { added, removed, changed, actions } = plan;
    return [server, ring, String(added), String(removed), String(changed), String(actions), ''];
  });
  return [diff, ...section(['SERVER', 'RING', 'ADDED', 'REMOVED', 'CHANGED', 'ACTIONS', ''], rows)].join('\n');
}
