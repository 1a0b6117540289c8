/** The status page: one HTML document without scripts, made from the same report that the API gives. */
import { createHash } from 'node:crypto';
import { HEADLINES, VERDICT_TABLE } from '../../model/verdicts.ts';
import { reportStatus, reportTransition, type StatusReport, type TransitionReport } from '../../report/report.ts';
import type { AgentView } from '../../report/view.ts';
import { subjectText } from '../../model/subject.ts';
import { clock, count, formatDuration } from '../../report/format.ts';
import { html, Html } from './html.ts';
import { isBig, renderMatrix } from './matrix.ts';
import { renderNics, renderPending, renderServices, renderSources } from './parts.ts';
import { STYLE } from './style.ts';

/** The style sheet is allowed by its hash; nothing else runs or loads. */
export const PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const REFRESH_SECONDS = 5;
const MAX_VERDICTS = 40;
const MAX_LOG = 25;
const LOG_WINDOW_MS = 24 * 3600 * 1000;

const STATE_TEXT: Readonly<Record<StatusReport['state'], readonly [level: string, text: string]>> = {
  starting: ['', '… starting'],
  ok: ['ok', '● running'],
  all_rs_down: ['bad', '■ frozen: all real servers fail'],
  isolated: ['bad', '■ frozen: agent isolated'],
  ill: ['bad', '■ frozen: this server is the ill one'],
  stalled: ['bad', '■ frozen: agent stalled'],
  stopping: ['warn', '… stopping'],
};

/** The whole document. Query: `pause` stops the refresh, `page` pages through failing real servers of a big topology. */
export function renderPage(view: AgentView, query: URLSearchParams): string {
  const report = reportStatus(view, isBig(view.plan()) ? 'altered' : 'all');
  const transitions = view.history
    .since(view.now() - LOG_WINDOW_MS)
    .slice(-MAX_LOG)
    .map((t) => reportTransition(view, t))
    .toReversed();
  const paused = query.has('pause');
  const worst = report.verdicts[0];
  const title = worst === undefined ? report.server : `${count(report.verdicts.length, 'fault')} · ${report.server}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${paused ? undefined : html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<title>${title} · fourlane</title><link rel="icon" href="${icon(worst?.level ?? 'ok')}"><style>${new Html(STYLE)}</style></head>
<body>${renderBar(report, query, paused)}<main>
${renderHeadline(report)}
${renderVerdicts(report)}
${renderNics(report)}
${renderMatrix(view, query)}
${renderServices(report)}
${renderPending(report)}${renderSources(report)}
${renderLog(transitions)}
<footer><span>fourlane ${report.version}</span><a href="/metrics">metrics</a><a href="/api/v1/status">status as JSON</a>\
<a href="/api/v1/verdicts">verdicts as JSON</a><span>All times are UTC.</span></footer>
</main></body></html>
`.text;
}

function icon(level: string): string {
  const fill = level === 'bad' ? '#d33a2f' : level === 'warn' ? '#dd8a1a' : '#2f9e63';
  const shape = level === 'ok' ? '<circle cx="8" cy="8" r="7"/>' : '<rect x="1" y="1" width="14" height="14" rx="2"/>';
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="${fill}">\
${shape}</svg>`)}`;
}

function renderBar(report: StatusReport, query: URLSearchParams, paused: boolean): Html {
  const [level, text] = STATE_TEXT[report.state];
  const other = new URLSearchParams(query);
  if (paused) other.delete('pause');
  else other.set('pause', '1');
  const { lastReload } = report;
  return html`<div class="bar"><div>
<span class="brand"><svg viewBox="0 0 22 22" aria-hidden="true">\
<g fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round">\
<path d="M3 3v16M8.3 3v16M13.7 3v6M13.7 16v3M19 3v16"/></g></svg>fourlane</span>
<span class="where">${report.cluster}<span>/</span><b>${report.server}</b></span>
<span class="tag ${level}">${text}</span>
<span class="facts"><span>up ${formatDuration(report.uptimeSeconds)}</span>
<span>config <code>${report.revision.slice(0, 8)}</code> ${
    lastReload.ok ? 'loaded' : html`<span class="tag bad">last reload refused</span>`
  } ${clock(lastReload.time)}</span>
<span>${clock(report.time)} UTC</span>
<a href="/?${other.toString()}">${paused ? `paused: resume` : `every ${REFRESH_SECONDS} s: pause`}</a></span>
</div></div>`;
}

function renderHeadline(report: StatusReport): Html {
  const counts = new Map<string, number>([['service', report.services.filter((service) => !service.up).length]]);
  for (const { subject, verdict } of report.verdicts) {
    const headline = VERDICT_TABLE[verdict].of[subject]?.headline ?? '';
    counts.set(headline, (counts.get(headline) ?? 0) + 1);
  }
  const faults = Object.entries(HEADLINES).flatMap(([name, [one, several]]) => {
    const found = counts.get(name) ?? 0;
    return found === 0 ? [] : [count(found, one, several)];
  });
  const { failing } = report.pending;
  if (failing > 0) faults.push(count(failing, 'action not in place', 'actions not in place'));
  const { services, nics, realServers } = report;
  const panic = services.filter((service) => service.panic).length;
  return html`<div class="headline"><h1>\
${faults.length === 0 ? 'No faults' : faults.map((fault) => fault.replaceAll(' ', '\u00a0')).join(' · ')}</h1>
<p>${services.filter((service) => service.up).length} of ${count(services.length, 'service')} up · ${realServers.up} of \
${count(realServers.total, 'real server')} up · ${nics.filter((nic) => nic.enabled).length} of ${count(nics.length, 'NIC')}\
 in service${panic === 0 ? '' : ` · ${count(panic, 'service')} in panic`}${
   report.ready ? '' : ` · not ready: ${report.reason}`
}</p>
${
  report.lastReload.ok
    ? undefined
    : html`<p>Last reload refused, the config before it still runs: ${report.lastReload.message}</p>`
}</div>`;
}

function renderVerdicts(report: StatusReport): Html | undefined {
  const { verdicts } = report;
  if (verdicts.length === 0) return undefined;
  const rest = verdicts.length - MAX_VERDICTS;
  return html`<ol class="verdicts" aria-label="Present verdicts, most severe first">${verdicts.slice(0, MAX_VERDICTS).map(
    (verdict) => html`<li class="verdict ${verdict.level}"><div class="who"><span class="tag ${verdict.level}">\
${verdict.level === 'bad' ? '■' : '▲'} ${verdict.verdict}</span><b>${subjectText(verdict)}</b>${
      verdict.cause === 'none' ? undefined : html`<span>cause: ${verdict.cause}</span>`
    }<span class="mute">for ${formatDuration(verdict.forSeconds)}, since ${clock(verdict.since)}</span></div>
<div class="why">${verdict.reason}</div><div class="cmd"><code>${verdict.command}</code><a href="${whyHref(
      verdict,
    )}">evidence</a></div></li>`,
  )}</ol>${rest > 0 && html`<p class="empty">and ${rest} more: <a href="/api/v1/verdicts">all as JSON</a></p>`}`;
}

function whyHref(v: { readonly subject: string; readonly nic?: string; readonly rs?: string }): string {
  if (v.subject === 'nic') return `/api/v1/why?nic=${encodeURIComponent(v.nic ?? '')}`;
  return v.rs === undefined ? '/api/v1/verdicts' : `/api/v1/why?rs=${encodeURIComponent(v.rs)}`;
}

function renderLog(transitions: readonly TransitionReport[]): Html {
  const act = (a: TransitionReport['actions'][number]) =>
    [
      a.action,
      'service' in a && a.service,
      'nic' in a && a.nic,
      'rs' in a && a.rs,
      'weight' in a && `weight × ${Math.round(a.weight * 100) / 100}`,
    ]
      .filter(Boolean)
      .join(' ');
  const list = (label: string, items: readonly string[]) =>
    items.length > 0 &&
    html`<p class="mute">${label}: ${items.slice(0, 4).join(', ')}${items.length > 4 ? ` and ${items.length - 4} more` : ''}</p>`;
  return html`<section><h2>Recent changes <small>last 24 h, newest first</small></h2><ol class="log card">${
    transitions.length === 0
      ? html`<li class="empty">No verdict has changed.</li>`
      : transitions.map(
          (t) => html`<li><time datetime="${t.time}">${clock(t.time)}</time><div><div class="who"><b>${subjectText(t)}</b>\
<span class="mute">${t.previous} →</span><span class="tag ${t.level}">${t.verdict}</span>\
${t.cause !== 'none' && html`<span class="mute">${t.cause}</span>`}</div>
<p>${t.reason}</p>${list('done', t.actions.map(act))}${list(
            'held back',
            t.blocked.map((b) => `${act(b.action)} (${b.rule})`),
          )}</div></li>`,
        )
  }</ol></section>`;
}
