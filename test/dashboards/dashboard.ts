/** The generated dashboards, rules and alerts as tests read them. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string; readonly legendFormat?: string }[];
  readonly fieldConfig?: {
    readonly defaults?: { readonly unit?: string; readonly mappings?: readonly unknown[] };
    readonly overrides?: readonly { readonly properties: readonly { readonly id: string; readonly value: unknown }[] }[];
  };
}

export interface Variable {
  readonly name: string;
  readonly label?: string;
  readonly type: 'datasource' | 'query' | 'custom';
  readonly query: string;
  readonly current?: { readonly value: string };
  readonly refresh?: number;
  readonly multi?: boolean;
  readonly allValue?: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly editable?: boolean;
  readonly tags: readonly string[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  readonly panels: readonly Panel[];
}

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** File name → dashboard. */
export function dashboards(): ReadonlyMap<string, Dashboard> {
  const files = globSync(join(ROOT, 'dashboards/out/*.json')).sort();
  return new Map(files.map((f) => [basename(f), JSON.parse(readFileSync(f, 'utf8')) as Dashboard]));
}

/** Alerts and recording rules. */
export function rules(): readonly Rule[] {
  return ['fourlane-alerts.yaml', 'fourlane-rules.yaml'].flatMap((file) => {
    const { groups } = parse(readFileSync(join(ROOT, 'alerts', file), 'utf8')) as { groups: { rules: Rule[] }[] };
    return groups.flatMap((g) => g.rules);
  });
}

/** The query of a variable without its function: `label_values(metric{…}, label)` → `metric{…}`. */
export function variableExpression({ query }: Variable): string | undefined {
  return /^(?:label_values|query_result)\((.+?)(?:, \w+)?\)$/.exec(query)?.[1];
}

/** With Grafana's variables in their places, for parsers. Those inside quotes may stay. */
export function expanded(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h').replaceAll('$k', '5');
}

/** Everything that Prometheus will be asked: where → expression, as written. */
export function expressions(): readonly { readonly where: string; readonly expr: string }[] {
  const found: { where: string; expr: string }[] = [];
  for (const [file, d] of dashboards()) {
    for (const p of d.panels) for (const t of p.targets ?? []) found.push({ where: `${file}: ${p.title}`, expr: t.expr });
    for (const v of d.templating.list) {
      const expr = v.type === 'query' ? variableExpression(v) : undefined;
      if (expr !== undefined) found.push({ where: `${file}: variable ${v.name}`, expr });
    }
    for (const a of d.annotations.list) found.push({ where: `${file}: annotation ${a.name}`, expr: a.expr });
  }
  for (const r of rules()) found.push({ where: r.alert ?? r.record!, expr: r.expr });
  return found;
}
