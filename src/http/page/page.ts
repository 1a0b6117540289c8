/** The status page: one HTML document without scripts, made from the same report that the API gives. */
import { HEADLINES, VERDICT_TABLE } from '../../model/verdicts.ts';
import { reportStatus, reportTransition, type StatusReport, type TransitionReport } from '../../report/report.ts';
import type { AgentView } from '../../report/view.ts';
import { subjectText } from '../../model/subject.ts';
import { clock, count, formatDuration } from '../../report/format.ts';
import { documentOf, pageBar } from './document.ts';
import { type Html, html } from './html.ts';
import { isBig, renderMatrix } from './matrix.ts';
import { renderNics, renderPending, renderServices, renderSources } from './parts.ts';

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
  const worst = report.verdicts[0];
  const title = worst === undefined ? report.server : `${count(report.verdicts.length, 'fault')} · ${report.server}`;
  const main = html`${renderHeadline(report)}
${renderVerdicts(report)}
${renderNics(report)}
${renderMatrix(view, query)}
${renderServices(report)}
${renderPending(report)}${renderSources(report)}
${renderLog(transitions)}
<footer><span>fourlane ${report.version}</span><a href="/metrics">metrics</a><a href="/api/v1/status">status as JSON</a>\
<a href="/api/v1/verdicts">verdicts as JSON</a><span>All times are UTC.</span></footer>`;
  return documentOf({ title, level: worst?.level ?? 'ok', query, bar: renderBar(report, query), main });
}

function renderBar(report: StatusReport, query: URLSearchParams): Html {
  const [level, text] = STATE_TEXT[report.state];
  const { lastReload, cluster } = report;
  const facts = html`<span>up ${formatDuration(report.uptimeSeconds)}</span>
<span>config <code>${report.revision.slice(0, 8)}</code> ${
    lastReload.ok ? 'loaded' : html`<span class="tag bad">last reload refused</span>`
  } ${clock(lastReload.time)}</span>
<span>${clock(report.time)} UTC</span>`;
  const where = html`${report.release === undefined ? cluster : html`<a href="/cluster">${cluster}</a>`}<span>/</span>\
<b>${report.server}</b>`;
  return pageBar({ path: '/', query, where, tag: html`<span class="tag ${level}">${text}</span>`, facts });
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
