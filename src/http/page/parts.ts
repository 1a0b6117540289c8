/** Sections of the status page that list NICs and services. */
import { type MemberReport, type NicReport, pendingText, type ServiceReport, type StatusReport } from '../../report/report.ts';
import { clock, count, formatDuration, formatRtt, formatShare } from '../../report/format.ts';
import { type Html, html } from './html.ts';

const MAX_SERVICES = 100;
const MAX_WEIGHTS = 200;
const MAX_ALTERED = 8;

/** A stacked bar of counts, drawn in the order given. */
export function meter(parts: Readonly<Record<string, number>>, label: string): Html {
  const total = Object.values(parts).reduce((a, b) => a + b, 0) || 1;
  let x = 0;
  const bars = Object.entries(parts).map(([name, n]) => {
    const from = x;
    x += (n / total) * 100;
    return html`<rect class="${name}" x="${from.toFixed(2)}" y="0" width="${(x - from).toFixed(2)}" height="8"/>`;
  });
  return html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${label}">${bars}</svg>`;
}

function renderNic(nic: NicReport): Html {
  const { ok, link_fail, service_fail, unknown } = nic.cells;
  const other = [
    link_fail > 0 && `${link_fail} link failed`,
    service_fail > 0 && `${service_fail} service failed`,
    unknown > 0 && `${unknown} unknown`,
  ].filter(Boolean);
  const split =
    `${ok} of ${count(ok + link_fail + service_fail + unknown, 'check')} ` +
    `good${other.length > 0 ? `, ${other.join(', ')}` : ''}`;
  const word = { up: '▲ up', down: '▼ down', unknown: '? unknown' };
  const carrier = word[nic.carrier];
  const sign = { ok: '●', warn: '▲', bad: '■' }[nic.level];
  const notes = [nic.device !== nic.name && `on ${nic.device}`, nic.group !== nic.name && `group ${nic.group}`].filter(Boolean);
  return html`<article class="card nic ${nic.level}"><header><h3>${nic.name}</h3><span class="mute">${notes.join(', ')}</span>\
<span class="tag ${nic.level}">${sign} ${nic.verdict}</span></header>
${meter({ ok, service_fail, link_fail, unknown }, split)}<p class="split">${split}</p>
<dl><dt>Carrier</dt><dd>${carrier}</dd>\
${nic.port !== undefined && html`<dt>Port ${nic.port.name}</dt><dd>${word[nic.port.link]}</dd>`}<dt>Slice</dt><dd>${
    nic.enabled ? 'in service' : html`<span class="tag bad">taken out</span>`
  }</dd>
<dt>RTT p50 / p99</dt><dd>${
    nic.rttSeconds === null ? '–' : `${formatRtt(nic.rttSeconds.p50)} / ${formatRtt(nic.rttSeconds.p99)}`
  }</dd>
<dt>Loss</dt><dd>${nic.lossRatio === null ? '–' : formatShare(nic.lossRatio)}</dd>
${nic.cause !== 'none' && html`<dt>Cause</dt><dd>${nic.cause}</dd>`}</dl></article>`;
}

export function renderNics(report: StatusReport): Html {
  return html`<section><h2>NICs</h2><div class="nics">${report.nics.map(renderNic)}</div></section>`;
}

function renderMember(member: MemberReport): Html {
  return html`<li><span class="mono">${member.realServer}</span><span>${member.weight.configured}</span>\
<span class="${isAltered(member) && 'changed'}">${member.weight.wanted}${member.state === 'held' && ' (held)'}</span></li>`;
}

const isAltered = (member: MemberReport) => member.weight.wanted !== member.weight.configured || member.state === 'held';

/** The real servers whose weight is not the configured one, or that are in service although judged down. */
function renderAltered(members: readonly MemberReport[]): Html | undefined {
  const altered = members.filter(isAltered);
  if (altered.length === 0) return undefined;
  const items = altered.slice(0, MAX_ALTERED).map((m) => {
    const text = m.state === 'held' ? `held at ${m.weight.wanted}` : `${m.weight.configured} → ${m.weight.wanted}`;
    return html`<li><span class="mono">${m.realServer}</span> weight ${text}</li>`;
  });
  const rest = altered.length - items.length;
  return html`<ul class="altered">${items}${rest > 0 && html`<li>and ${rest} more</li>`}</ul>`;
}

function renderWeights(service: ServiceReport): Html | undefined {
  if (service.realServers.length < service.total) return undefined;
  return html`<details><summary>Weights: configured, wanted</summary><ul class="weights">\
${service.realServers.slice(0, MAX_WEIGHTS).map(renderMember)}</ul></details>`;
}

function renderService(service: ServiceReport): Html {
  const { up, held, down } = service.states;
  const label = `${service.enabled} of ${count(service.total, 'real server')}`;
  const [level, text] = service.panic ? ['bad', '■ PANIC'] : service.up ? ['ok', '● up'] : ['bad', '■ DOWN'];
  const slices = service.slices.map(
    (slice) =>
      html`<span class="slice${!slice.enabled && ' off'}" title="${slice.enabled ? 'in service' : 'taken out'}">${
        slice.nic
      }</span>`,
  );
  return html`<article class="service"><div><h3>${service.name}</h3>${
    service.vip !== service.name && html`<div class="vip mono">${service.vip}</div>`
  }</div>
<div><span class="tag ${level}">${text}</span></div>
<div class="load">${label}${meter({ up, held, down }, label)}</div>
<div class="slices">${slices}${
    !service.slices.some((slice) => slice.enabled) && html`<span class="tag bad">no NIC in service</span>`
  }</div>
${renderAltered(service.realServers)}
${renderWeights(service)}</article>`;
}

export function renderServices(report: StatusReport): Html {
  const rank = (service: ServiceReport) => (service.up ? 2 : 0) - Number(service.panic) + service.enabled / (service.total || 1);
  const { services } = report;
  const big = services.length > MAX_SERVICES;
  const shown = big ? services.toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_SERVICES) : services;
  return html`<section><h2>Services ${big && html`<small>the worst ${MAX_SERVICES} of ${services.length}</small>`}</h2>\
<div class="card services">${
    shown.length === 0 ? html`<p class="empty">The config names no service.</p>` : shown.map(renderService)
  }</div></section>`;
}

/** Where metrics come from, and why a source gives none. Nothing when all are switched off. */
export function renderSources(report: StatusReport): Html | undefined {
  if (report.sources.length === 0) return undefined;
  const level = (state: string) => (state === 'data' ? 'ok' : state === 'failed' ? 'bad' : '');
  return html`<section><h2>Sources <small>what the collectors read</small></h2><ul class="sources card">${report.sources.map(
    (source) =>
      html`<li><b>${source.name}</b><span class="tag ${level(source.state)}">${source.state === 'failed' && '■ '}${
        source.state
      }</span>\
<span class="mute">${
        source.state === 'data' ? `last read ${source.lastData === null ? '' : clock(source.lastData)}` : source.reason
      }</span></li>`,
  )}</ul></section>`;
}

/** What the actuators have still to do. Nothing when all is in place. */
export function renderPending({ pending: { total, longest } }: StatusReport): Html | undefined {
  if (total === 0) return undefined;
  const more = total - longest.length;
  const rows = longest.map((p) => {
    const failures = p.failures === 0 ? '' : `, ${count(p.failures, 'failure')}`;
    const text = `${pendingText(p)}, for ${formatDuration(p.forSeconds)}${failures}${p.error === '' ? '' : `: ${p.error}`}`;
    const bad = p.state === 'retrying' ? '■ failing' : p.state === 'unsupported' && '■ unsupported';
    return html`<li><b>${p.actuator}</b><span class="tag ${bad && 'bad'}">${bad || p.state}</span>\
<span class="mute">${text}</span></li>`;
  });
  return html`<section><h2>Not in place <small>${count(total, 'action')} wanted and not done yet</small></h2>\
<ul class="sources card">${rows}${more > 0 && html`<li><span class="mute">and ${more} more</span></li>`}</ul></section>`;
}
