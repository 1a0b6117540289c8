/**
 * The page `/cluster`: every server of the cluster against what it should run, rollouts, budgets, and who finds which real server
 * down. What stands in etcd was written by others: it is escaped, cut, and shown as text only.
 */
import type { ClusterStatus, CountsAs, FleetStatus, ServerStatus } from '../../model/cluster-status.ts';
import { plainLine } from '../../model/plain-text.ts';
import { clock, count } from '../../report/format.ts';
import type { AgentView, FleetAnswer } from '../../report/view.ts';
import { documentOf, pageBar } from './document.ts';
import { type Html, html } from './html.ts';
import { meter } from './parts.ts';

const MOST_ROWS = 200;
const MOST_ROLLOUTS = 5;
const MOST_NAMES = 8;
const MOST_TEXT = 240;

const STATES: Readonly<Record<CountsAs, readonly [level: string, text: string]>> = {
  done: ['ok', '● applied'],
  pending: ['', '… pending'],
  failed: ['bad', '■ failed'],
  absent: ['bad', '■ agent lost'],
  excused: ['warn', '▲ maintenance'],
  stranger: ['warn', '▲ not in the roster'],
};
const AGENTS = { there: 'there', missing: 'key missing', absent: 'lost' } as const;
/** Subject of a budget: the whole server. */
const WHOLE = 'server';
/** Rollouts that wait for a person. */
const STUCK: ReadonlySet<string> = new Set(['halted', 'backFailed']);

/** Text of others: one line, of bounded length. */
function said(text: string): string {
  const line = plainLine(text);
  return line.length > MOST_TEXT ? `${line.slice(0, MOST_TEXT)}…` : line;
}

const tag = (level: string, text: string) => html`<span class="tag ${level}">${said(text)}</span>`;
/** What one looks for first. */
const RANK: readonly CountsAs[] = ['failed', 'absent', 'pending', 'stranger', 'excused', 'done'];

/** The whole document. @param view this server, from which it is seen */
export function renderFleet(view: AgentView, { status, at, error }: FleetAnswer, query: URLSearchParams): string {
  const { cluster, server } = view.plan();
  const found = status === '' ? undefined : (JSON.parse(status) as FleetStatus);
  const level = found === undefined || error !== '' ? 'bad' : levelOf(found);
  const time = at === 0 ? 'never read' : `read ${clock(new Date(at).toISOString())} UTC`;
  const word = { ok: '● as it should be', warn: '▲ something differs', bad: '■ not as it should be' }[level];
  const where = html`<b>${cluster}</b><span>/</span>seen from <a href="/">${server}</a>`;
  const bar = pageBar({ path: '/cluster', query, where, tag: tag(level, word), facts: html`<span>${time}</span>` });
  const main = html`${renderHeadline(found)}
${error !== '' && html`<p class="verdict bad">Not read again${found && html`; this is of ${time}`}: ${said(error)}</p>`}
${found && renderAll(found)}
<footer><a href="/">this server</a><a href="/api/v1/cluster">cluster as JSON</a><span>All times are UTC.</span></footer>`;
  return documentOf({ title: `cluster ${cluster}`, level, query, bar, main });
}

function levelOf({ servers, drifts, problems, rollouts, down, budgets }: FleetStatus): 'ok' | 'warn' | 'bad' {
  const has = (...counts: readonly CountsAs[]) => servers.some((each) => counts.includes(each.counts));
  const [newest] = rollouts;
  if (has('failed', 'absent') || (newest !== undefined && STUCK.has(newest.state))) return 'bad';
  const differs = drifts.length + problems.length + down.length + outOf(budgets).length > 0;
  return differs || has('pending', 'stranger', 'excused') ? 'warn' : 'ok';
}

/** What budgets have let out of service: `lb-04 (AGENT_ILL)`, `lb-02 nic eth2 (NIC_FAIL)`. */
function outOf(budgets: FleetStatus['budgets']): readonly string[] {
  return budgets.flatMap(({ holders }) =>
    holders.flatMap(({ server, subjects, why }) =>
      subjects.map((subject) => `${server}${subject === WHOLE ? '' : ` ${subject}`} (${why})`),
    ),
  );
}

/** The first of a list, and how many more there are. */
function some(names: readonly string[], all = names.length): string {
  return names.slice(0, MOST_NAMES).join(', ') + (all > MOST_NAMES ? `, and ${all - MOST_NAMES} more` : '');
}

function renderHeadline(found: FleetStatus | undefined): Html {
  if (found === undefined) return html`<div class="headline"><h1>The cluster has not been read yet</h1></div>`;
  const { servers, drifts, maintenance, down, problems, budgets, more } = found;
  const total = servers.length + (more['servers'] ?? 0);
  const is = (counts: CountsAs) => servers.filter((each) => each.counts === counts).length;
  const downs = down.length + (more['down'] ?? 0);
  const facts = [
    [is('failed'), 'failed'],
    [is('absent'), 'lost'],
    [is('pending'), 'pending'],
    [maintenance.length, 'in maintenance'],
    [drifts.length, drifts.length === 1 ? 'drift' : 'drifts'],
    [downs, downs === 1 ? 'real server found down' : 'real servers found down'],
    [problems.length, 'damaged'],
  ] as const;
  const text = facts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  const out = outOf(budgets);
  if (out.length > 0) text.unshift(`out of service by a budget: ${said(some(out))}`);
  return html`<div class="headline"><h1>${is('done')} of ${count(total, 'server')} run what they should</h1>
<p>${text.length === 0 ? 'nothing fails, nobody is lost' : text.join(' · ')}</p></div>`;
}

interface Listed {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly Html[];
  /** Rows that there are more. */
  readonly more?: number | undefined;
}

/** A table with its title; nothing without rows. */
function section({ title, head, rows, more = 0 }: Listed): Html | undefined {
  if (rows.length === 0) return undefined;
  const left = rows.length - MOST_ROWS + more;
  const rest = Math.max(left, more);
  return html`<section><h2>${title} <small>${rows.length + more}</small></h2><div class="card rack"><table class="summary fleet">\
<thead><tr>${head.map((each) => html`<th>${each}</th>`)}</tr></thead><tbody>${rows.slice(0, MOST_ROWS)}</tbody></table></div>\
${rest > 0 && html`<p class="empty">and ${rest} more: <a href="/api/v1/cluster">all as JSON</a></p>`}</section>`;
}

const row = (name: string, ...cells: readonly (string | number | Html | undefined)[]) =>
  html`<tr><th scope="row">${said(name)}</th>${cells.map(
    (cell) => html`<td>${typeof cell === 'string' ? said(cell) : cell}</td>`,
  )}</tr>`;

function renderAll(found: FleetStatus): Html {
  const { rollouts, budgets, drifts, maintenance, poison, problems, down, more } = found;
  return html`${renderRings(found)}${renderServers(found)}${section({
    title: 'Rollouts',
    head: ['Rollout', 'Release', 'State', ''],
    rows: rollouts
      .slice(0, MOST_ROLLOUTS)
      .map((r) => row(String(r.n), r.release, tag(STUCK.has(r.state) ? 'bad' : '', r.state), r.text)),
  })}${section({
    title: 'Budgets',
    head: ['Budget', 'Scope', 'Gone', '', 'Held by'],
    rows: budgets.map((b) => {
      const text = `${b.used.length} of at most ${b.max}`;
      const left = Math.max(0, b.max - b.used.length);
      const held = b.holders.map(({ server, subjects, why }) => `${server} (${subjects.join(', ')}: ${why})`).join(', ');
      const isWhole = b.scope === 'cluster';
      return row(
        b.budget,
        b.scope,
        isWhole ? text : b.used.length,
        isWhole ? meter({ down: b.used.length, unknown: left }, text) : '',
        held,
      );
    }),
  })}${section({
    title: 'Real servers found down',
    head: ['Real server', 'Down for', '', 'Servers'],
    rows: down.map(({ realServer, by, witnesses }) => {
      const all = by.length + (more[`by ${realServer}`] ?? 0);
      const word = tag(all === witnesses ? 'bad' : 'warn', `${all} of ${witnesses}`);
      return row(realServer, word, where(all, witnesses), some(by, all));
    }),
    more: more['down'],
  })}${section({
    title: 'Drift',
    head: ['Server', 'Of', ''],
    rows: drifts.map(({ server, question, text }) => row(server, question.replace('_', ' '), text)),
    more: more['drifts'],
  })}${section({ title: 'Maintenance', head: ['Of'], rows: maintenance.map((each) => row(each)), more: more['maintenance'] })}\
${section({ title: 'Poison', head: ['Root', 'Why'], rows: poison.map((p) => row(p.root, p.why)), more: more['poison'] })}\
${section({ title: 'Damaged keys', head: [''], rows: problems.map((each) => row(each)), more: more['problems'] })}`;
}

const where = (by: number, of: number) => (by === of ? 'down for all' : `reachable from ${of - by} of ${of}`);

function renderRings({ rings, servers }: ClusterStatus): Html | undefined {
  const rows = rings.map(({ ring, release, root, preparing, text }) => {
    const own = servers.filter((each) => each.ring === ring);
    const is = (...counts: readonly CountsAs[]) => own.filter((each) => counts.includes(each.counts)).length;
    const parts = { ok: is('done'), service_fail: is('excused'), link_fail: is('failed', 'absent'), unknown: is('pending') };
    const prepares = preparing === null ? '' : `prepares ${preparing}`;
    return row(ring, release, html`<code>${said(root.slice(0, 12))}</code>`, prepares, meter(parts, `${parts.ok} applied`), text);
  });
  return section({ title: 'Rings', head: ['Ring', 'Release', 'Root', '', '', ''], rows });
}

function renderServers({ servers, drifts, more }: FleetStatus): Html | undefined {
  const drifting = new Set(drifts.map(({ server }) => server));
  const sorted =
    servers.length > MOST_ROWS ? servers.toSorted((a, b) => RANK.indexOf(a.counts) - RANK.indexOf(b.counts)) : servers;
  return section({
    title: 'Servers',
    head: ['Server', 'Ring', 'Site, rack', 'State', 'Runs', 'Agent', 'Real servers', 'Drift', ''],
    rows: sorted.map((server) => serverRow(server, drifting.has(server.server))),
    more: more['servers'],
  });
}

function serverRow(server: ServerStatus, drifts: boolean): Html {
  const { ring, site, rack, counts, state, running, release, presence, version, bad, cannotTell } = server;
  const [level, text] = STATES[counts];
  const held = state === 'held' && counts !== 'excused' ? tag('warn', '▲ held') : undefined;
  const runs = running === null ? '–' : html`${release !== null && `release ${release} `}<code>${said(running)}</code>`;
  const agent =
    presence === 'there' ? `${AGENTS.there}${version === null ? '' : `, ${version}`}` : tag('bad', `■ ${AGENTS[presence]}`);
  const word = bad === 0 ? 'all good' : `${bad} down`;
  return row(
    server.server,
    ring,
    [site, rack].filter((each) => each !== null).join(', '),
    html`${tag(level, text)}${held}`,
    runs,
    agent,
    cannotTell === null ? (bad === 0 ? word : tag('warn', word)) : `no witness: ${cannotTell}`,
    drifts ? tag('warn', '▲ drift') : '',
    server.text,
  );
}
