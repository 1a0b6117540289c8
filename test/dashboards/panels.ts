/** Panels asked as Grafana asks them: which have no data, which columns of tables would not meet. */
import assert from 'node:assert/strict';
import type { Monitoring } from '../../src/lab/monitoring.ts';
import { type Dashboard, expanded, type Variable, variableExpression } from './dashboard.ts';

/** `panel: refId` of queries without data; `panel: refId: labels` of columns with labels that keep rows from being joined. */
export interface Findings {
  readonly asked: number;
  readonly empty: readonly string[];
  readonly apart: readonly string[];
}

/** Asks every query of a dashboard, or those whose expression matches: then variables that they do not need may have no value. */
export async function findings(monitoring: Monitoring, dashboard: Dashboard, only?: RegExp): Promise<Findings> {
  const values = new Map<string, string>();
  for (const variable of dashboard.templating.list) {
    const value = await valueOf(monitoring, variable, values);
    if (value !== undefined) values.set(variable.name, value);
    else assert.ok(only !== undefined, `variable ${variable.name} has no value`);
  }
  const [empty, apart]: [string[], string[]] = [[], []];
  let asked = 0;
  for (const panel of dashboard.panels) {
    for (const { expr, refId } of panel.targets ?? []) {
      if (only?.test(expr) === false) continue;
      asked++;
      const series = await seriesOf(monitoring, filled(expr, values));
      if (series.length === 0) empty.push(`${panel.title}: ${refId}`);
      const strange = Object.keys(series[0] ?? {}).filter((label) => /^(?:__name__|cluster|job|instance)$/.test(label));
      if (panel.type === 'table' && strange.length > 0) apart.push(`${panel.title}: ${refId}: ${strange.join(' ')}`);
    }
  }
  return { asked, empty, apart };
}

/** Label sets of the series that an expression has now. */
async function seriesOf(monitoring: Monitoring, expr: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const path = `query?query=${encodeURIComponent(expr)}`;
  const { result } = await monitoring.query<{ result: { metric: Record<string, string> }[] }>(path);
  return result.map(({ metric }) => metric);
}

/** An expression with the values of variables in their places. */
function filled(expr: string, values: ReadonlyMap<string, string>): string {
  return expanded(expr).replace(/\$(\w+)/g, (_, name: string) => {
    const value = values.get(name);
    assert.ok(value !== undefined, `${expr}: no variable ${name}`);
    return value;
  });
}

/** The value that Grafana chooses at first sight. */
async function valueOf(
  monitoring: Monitoring,
  variable: Variable,
  before: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  if (variable.type === 'datasource') return 'Prometheus';
  if (variable.type === 'custom') return variable.current!.value;
  const match = filled(variableExpression(variable)!, before);
  const label = /, (\w+)\)$/.exec(variable.query)![1]!;
  const values = await monitoring.query<string[]>(`label/${label}/values?match[]=${encodeURIComponent(match)}`);
  return values.length === 0 ? undefined : (variable.allValue ?? values[0]);
}
