/**
 * grafana/dashboard-linter's rules that apply here, and some of our own, on one dashboard. Pure; PromQL is parsed by promtool
 * elsewhere.
 */
import { type Dashboard, type Panel, variableExpression } from './dashboard.ts';

/** Units in use, all of Grafana's list. */
const UNITS = new Set(['short', 'none', 'percentunit', 'cps', 'pps', 'bps', 'Bps', 's', 'bytes', 'ops', 'hertz']);
/** What has no `job`: alerts, and what recording rules make. */
const WITHOUT_JOB = /^(?:ALERTS|\w+:fourlane_\w+:\w+)$/;

type Report = (rule: string, what: string) => void;

/** Selectors of an expression: name and matchers. */
export function selectors(expr: string): readonly { readonly name: string; readonly matchers: string }[] {
  const text = expr.replace(/\$__\w+/g, '5m');
  return [...text.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map((m) => ({ name: m[1]!, matchers: m[2]! }));
}

function lintExpression(where: string, expr: string, report: Report): void {
  for (const { name, matchers } of selectors(expr)) {
    if (!WITHOUT_JOB.test(name) && !matchers.includes('job=~"$job"')) report('target-job-rule', `${where}: ${name}`);
  }
  for (const [, range] of expr.matchAll(/\bi?rate\([^[]*\[([^\]]+)\]/g)) {
    if (range !== '$__rate_interval') report('target-rate-interval-rule', `${where}: [${range}]`);
  }
  for (const [, before] of expr.matchAll(/(\S*?)fourlane_\w+_total\b/g)) {
    if (!/(?:rate|increase|changes)\($/.test(before!)) report('target-counter-agg-rule', `${where}: ${before}`);
  }
}

function lintPanel(p: Panel, report: Report): void {
  if (!p.title || !p.description) report('panel-title-description-rule', p.title);
  if (p.datasource?.uid !== '${datasource}') report('panel-datasource-rule', p.title);
  if (!p.targets?.length) report('panel-no-targets-rule', p.title);
  const units = [
    p.fieldConfig?.defaults?.unit,
    ...(p.fieldConfig?.overrides ?? []).flatMap((o) => o.properties.filter((x) => x.id === 'unit').map((x) => x.value as string)),
  ];
  for (const unit of units) if (unit === undefined || !UNITS.has(unit)) report('panel-units-rule', `${p.title}: ${unit}`);
  for (const t of p.targets ?? []) lintExpression(p.title, t.expr, report);
  if (/^(?:timeseries|heatmap|state-timeline)$/.test(p.type)) {
    for (const t of p.targets ?? []) if (!t.legendFormat) report('panel-legend', p.title);
  }
}

function lintGrid(panels: readonly Panel[], report: Report): void {
  for (const [i, { title, gridPos: a }] of panels.entries()) {
    if (a.x < 0 || a.x + a.w > 24 || a.h < 1) report('grid', title);
    for (const { title: other, gridPos: b } of panels.slice(i + 1)) {
      if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h) report('grid-overlap', `${title} / ${other}`);
    }
  }
  if (new Set(panels.map((p) => p.id)).size < panels.length) report('panel-ids', 'not unique');
}

function lintVariables(d: Dashboard, report: Report): void {
  const [first] = d.templating.list;
  if (first?.type !== 'datasource' || first.name !== 'datasource' || first.label !== 'Data source')
    report('template-datasource-rule', '');
  const job = d.templating.list.find((v) => v.name === 'job');
  if (job?.label !== 'Job' || !job.multi || job.allValue !== '.+') report('template-job-rule', '');
  for (const v of d.templating.list.filter((x) => x.type === 'query')) {
    if (variableExpression(v) === undefined) report('template-label-promql-rule', v.name);
    if (v.refresh !== 2) report('template-on-time-change-reload-rule', v.name);
  }
  for (const [, name] of JSON.stringify(d.panels).matchAll(/\$\{?([a-z_]+)\b/g)) {
    // Grafana's own begin with two underscores.
    if (!name!.startsWith('__') && !d.templating.list.some((v) => v.name === name)) report('variable-exists', name!);
  }
}

/** What is wrong with the dashboard, as `rule: what`. */
export function lint(d: Dashboard): string[] {
  const found: string[] = [];
  const report: Report = (rule, what) => found.push(`${rule}: ${what}`);
  if (!d.uid || !d.title) report('uid-and-title', d.title);
  if (d.editable !== false) report('uneditable-dashboard', d.title);
  lintVariables(d, report);
  lintGrid(d.panels, report);
  for (const p of d.panels.filter((x) => x.type !== 'row')) lintPanel(p, report);
  return found;
}

/** Links to dashboards and variables that are not there: `links` are URLs of panels and alerts. */
export function brokenLinks(links: readonly string[], all: readonly Dashboard[]): string[] {
  return links.flatMap((url) => {
    const uid = /\/d\/([\w-]+)/.exec(url)?.[1];
    const target = all.find((d) => d.uid === uid);
    if (target === undefined) return [`${url}: there is no dashboard ${uid}`];
    const names = [...url.matchAll(/(?:var-|\$\{)(\w+)(?:=|:queryparam)/g)].map((m) => m[1]!);
    const wrong = names.filter((n) => !target.templating.list.some((v) => v.name === n));
    return wrong.map((n) => `${url}: ${uid} has no variable ${n}`);
  });
}
