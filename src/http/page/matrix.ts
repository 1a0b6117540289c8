/**
 * The NIC × real server matrix, by rack. Above 2 000 cells: a summary by rack, and only the real servers with a bad cell, in
 * pages.
 */
import { type Plan, targetsOf } from '../../model/plan.ts';
import { type CellReport, lastProbe, reportCell } from '../../report/report.ts';
import { type CellState, cellState } from '../../report/state.ts';
import { indexVerdicts, levelOf, type VerdictIndex } from '../../report/verdicts.ts';
import { type AgentView, BAD } from '../../report/view.ts';
import { count, formatDuration, formatRtt } from '../../report/format.ts';
import { type Html, html } from './html.ts';
import { meter } from './parts.ts';

const MAX_CELLS = 2000;
const PAGE_ROWS = 100;
const MAX_RACKS = 200;

const SIGN: Readonly<Record<CellState, string>> = { ok: '●', link_fail: '✕', service_fail: '◆', unknown: '?' };
const NO_RACK = 'no rack';
const NO_RACK_ROWS = 12;
/** With more NICs than this, racks do not fit side by side. */
const NARROW_NICS = 5;

interface Matrix {
  readonly view: AgentView;
  readonly index: VerdictIndex;
  /** `nic\0target id` of PATH verdicts. */
  readonly paths: ReadonlySet<string>;
}

/** Whether a plan has more cells than a page should show. */
export function isBig(plan: Plan): boolean {
  return plan.targets.length * plan.nics.length > MAX_CELLS;
}

/** Names of the services that use each of these targets. */
function servicesOf(plan: Plan, targets: readonly number[]): ReadonlyMap<number, readonly string[]> {
  const services = new Map<number, string[]>(targets.map((target) => [target, []]));
  for (const service of plan.services)
    for (const server of service.realServers) for (const target of targetsOf(server)) services.get(target)?.push(service.name);
  return services;
}

export function renderMatrix(view: AgentView, query: URLSearchParams): Html {
  const plan = view.plan();
  const index = indexVerdicts(view.verdicts());
  const matrix = { view, index, paths: new Set(index.paths.map((path) => `${path.nic}\0${path.rs}`)) };
  const all = plan.targets.map((_, j) => j);
  const small = `${count(all.length, 'real server')} × ${count(plan.nics.length, 'NIC')}`;
  return html`<section><h2>Real servers through each NIC <small>${small}</small></h2>
<p class="legend"><span><i class="ok">●</i>good, with round trip</span><span><i class="link_fail">✕</i>link fails</span><span>\
<i class="service_fail">◆</i>link good, service fails</span><span><i class="unknown">?</i>unknown</span><span><i class="path">\
✕</i>fails through this NIC only</span></p>
${isBig(plan) ? renderBig(matrix, all, query) : renderRacks(matrix, all)}</section>`;
}

function byRack(view: AgentView, targets: readonly number[]): readonly (readonly [string, readonly number[]])[] {
  const groups = Map.groupBy(targets, (j) => view.plan().targets[j]!.rack ?? NO_RACK);
  return [...groups].toSorted(
    ([a], [b]) => Number(a === NO_RACK) - Number(b === NO_RACK) || a.localeCompare(b, 'en', { numeric: true }),
  );
}

function renderRacks(matrix: Matrix, targets: readonly number[]): Html {
  const services = servicesOf(matrix.view.plan(), targets);
  const racks = byRack(matrix.view, targets).flatMap(([rack, rows]) => {
    // Without racks one long table would stand alone: it is cut into pieces that stand side by side.
    const pieces = rack === NO_RACK ? Math.ceil(rows.length / NO_RACK_ROWS) : 1;
    const size = Math.ceil(rows.length / pieces);
    return Array.from({ length: pieces }, (_, k) => renderRack(matrix, services, rack, rows.slice(k * size, (k + 1) * size)));
  });
  return html`<div class="racks${matrix.view.plan().nics.length > NARROW_NICS && ' wide'}">${racks}</div>`;
}

function renderRack(
  matrix: Matrix,
  services: ReadonlyMap<number, readonly string[]>,
  rack: string,
  rows: readonly number[],
): Html {
  const { view, index } = matrix;
  const fault = index.rack.get(rack);
  const heads = view.plan().nics.map((nic) => {
    const verdict = index.nic.get(nic.name)?.verdict ?? 'OK';
    const level = levelOf(verdict);
    return html`<th scope="col" class="${level}" title="${verdict}">\
${nic.name}${level !== 'ok' && (level === 'bad' ? ' ■' : ' ▲')}</th>`;
  });
  return html`<div class="card rack"><header><h3>${rack === NO_RACK ? 'No rack' : `Rack ${rack}`}</h3><span class="mute">\
${count(rows.length, 'real server')}</span>${fault && html`<span class="tag bad">■ ${fault.verdict}</span>`}</header>
<table class="matrix"><thead><tr><td></td>${heads}</tr></thead><tbody>\
${rows.map((row) => renderRow(matrix, services.get(row)!, row))}</tbody></table></div>`;
}

function renderRow(matrix: Matrix, names: readonly string[], target: number): Html {
  const { view, index, paths } = matrix;
  const { id, check } = view.plan().targets[target]!;
  const verdict = index.rs.get(id);
  const cells = view.plan().nics.map((nic, i) => renderCell(reportCell(view, i, target), paths.has(`${nic.name}\0${id}`)));
  const [first = 'no service', ...others] = names;
  const services = `${first}${others.length > 0 ? ` +${others.length}` : ''} · ${check.type}`;
  return html`<tr><th scope="row" class="mono${verdict !== undefined && ' bad'}">\
${id}<small title="${[first, ...others].join(', ')}">${
    verdict === undefined ? services : `${verdict.verdict}: ${verdict.cause}`
  }</small></th>${cells}</tr>`;
}

function renderCell(cell: CellReport, path: boolean): Html {
  const probe = lastProbe(cell);
  const last = probe === undefined ? 'never probed' : `last probe ${probe}, ${formatDuration(cell.ageSeconds ?? 0)} ago`;
  const rtt = cell.rttSeconds === null ? '' : `, round trip ${formatRtt(cell.rttSeconds)}`;
  const title =
    `${cell.nic} → ${cell.rs}: link ${cell.link}, service ${cell.service}; ` +
    `${last}${rtt}${path ? '; fails through this NIC only' : ''}`;
  const good = cell.rttSeconds === null ? 'ok' : formatRtt(cell.rttSeconds);
  const text = cell.state === 'ok' ? good : (probe ?? '');
  return html`<td class="cell ${cell.state}${path && ' path'}" title="${title}"><b>${SIGN[cell.state]}</b>${text}</td>`;
}

function renderBig(matrix: Matrix, all: readonly number[], query: URLSearchParams): Html {
  const { view, index } = matrix;
  const { link, service, outcome } = view.cells();
  const { nics, targets } = view.plan();
  const bad = all.filter(
    (each) =>
      index.rs.has(targets[each]!.id) ||
      nics.some((_, i) => link[i * targets.length + each] === BAD || service[i * targets.length + each] === BAD),
  );
  const racks = byRack(view, all).map(([rack, rows]) => {
    const cells = { ok: 0, service_fail: 0, link_fail: 0, unknown: 0 };
    for (const row of rows)
      for (let i = 0; i < nics.length; i++) {
        const cell = i * targets.length + row;
        cells[cellState(link[cell], service[cell], outcome[cell])]++;
      }
    return { rack, rows, cells, failing: cells.link_fail + cells.service_fail };
  });
  const worst = racks.toSorted((a, b) => b.failing / b.rows.length - a.failing / a.rows.length).slice(0, MAX_RACKS);
  const pages = Math.max(1, Math.ceil(bad.length / PAGE_ROWS));
  const page = Math.min(Math.max(Math.trunc(Number(query.get('page'))) || 1, 1), pages);
  const rows = bad.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
  return html`<div class="card rack"><table class="summary"><thead><tr><th>Rack</th><th class="num">Real servers</th>\
<th class="num">Failing checks</th><th></th></tr></thead><tbody>${worst.map(
    (r) =>
      html`<tr><th scope="row">${r.rack}</th><td class="num">${r.rows.length}</td><td class="num">${r.failing}</td><td>\
${meter(r.cells, `${r.cells.ok} good`)}</td></tr>`,
  )}</tbody></table></div>
<section><h2>Real servers with a failing check <small>${bad.length} of ${all.length}</small></h2>\
${pages > 1 && pager(query, page, pages)}${renderRacks(matrix, rows)}</section>`;
}

function pager(query: URLSearchParams, page: number, pages: number): Html {
  const link = (to: number, text: string) => {
    const other = new URLSearchParams(query);
    other.set('page', String(to));
    return html`<a href="/?${other.toString()}">${text}</a>`;
  };
  return html`<nav class="pager">${page > 1 && link(page - 1, '← before')}<span>page ${page} of ${pages}</span>\
${page < pages && link(page + 1, 'next →')}</nav>`;
}
