/** What all pages have in common: one HTML document without scripts, which loads itself again. */
import { createHash } from 'node:crypto';
import { html, Html } from './html.ts';
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

export interface DocumentParts {
  readonly title: string;
  /** Of the worst that it shows: `ok`, `warn`, `bad`. */
  readonly level: string;
  /** `pause` stops the refresh. */
  readonly query: URLSearchParams;
  readonly bar: Html;
  readonly main: Html;
}

/** The whole document. */
export function documentOf({ title, level, query, bar, main }: DocumentParts): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${query.has('pause') ? undefined : html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<title>${title} · fourlane</title><link rel="icon" href="${icon(level)}"><style>${new Html(STYLE)}</style></head>
<body>${bar}<main>
${main}
</main></body></html>
`.text;
}

export interface BarParts {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly where: Html;
  readonly tag: Html;
  readonly facts: Html;
}

/** The strip above a page: where one is, how it is, and the switch of the refresh. */
export function pageBar({ path, query, where, tag, facts }: BarParts): Html {
  const paused = query.has('pause');
  const other = new URLSearchParams(query);
  if (paused) other.delete('pause');
  else other.set('pause', '1');
  return html`<div class="bar"><div>
<span class="brand"><svg viewBox="0 0 22 22" aria-hidden="true">\
<g fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round">\
<path d="M3 3v16M8.3 3v16M13.7 3v6M13.7 16v3M19 3v16"/></g></svg>fourlane</span>
<span class="where">${where}</span>
${tag}
<span class="facts">${facts}
<a href="${path}?${other.toString()}">${paused ? `paused: resume` : `every ${REFRESH_SECONDS} s: pause`}</a></span>
</div></div>`;
}

function icon(level: string): string {
  const fill = level === 'bad' ? '#d33a2f' : level === 'warn' ? '#dd8a1a' : '#2f9e63';
  const shape = level === 'ok' ? '<circle cx="8" cy="8" r="7"/>' : '<rect x="1" y="1" width="14" height="14" rx="2"/>';
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="${fill}">\
${shape}</svg>`)}`;
}
