/** Values of the dashboard's variables, chosen as Grafana chooses at first sight: all where that is offered, else the first. */
import { labelValues } from './prometheus.ts';
import { preview, seconds } from './settings.ts';

const values = new Map<string, string>();
/** What the variables' boxes show. */
export const shown: { readonly label: string; readonly value: string }[] = [];

export async function resolveVariables(): Promise<void> {
  for (const v of preview.dashboard.templating.list) {
    let value = 'Prometheus';
    if (v.type === 'custom') value = v.current?.value ?? '';
    if (v.type === 'query') {
      const parts = /^label_values\((.+), ?(\w+)\)$/.exec(v.query ?? '');
      if (parts === null) throw new Error(`variable ${v.name}: the preview does not know the query ${v.query}`);
      const found = await labelValues(parts[2]!, interpolate(parts[1]!));
      if (found.length === 0) throw new Error(`variable ${v.name} has no value: ${interpolate(v.query!)}`);
      value = v.includeAll === true ? (v.allValue ?? found.join('|')) : found[0]!;
    }
    values.set(v.name, value);
    shown.push({ label: v.label ?? v.name, value: v.includeAll === true ? 'All' : value });
  }
}

/** Variables in a query or a title, in their places. `step`: s between two points. */
export function interpolate(text: string, step = preview.every): string {
  const builtin: Readonly<Record<string, string>> = {
    // As Grafana: four scrapes, or a step and a scrape.
    __rate_interval: `${Math.max(step + preview.every, 4 * preview.every)}s`,
    __interval: `${step}s`,
    __range: `${seconds}s`,
  };
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (all, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    return builtin[name] ?? values.get(name) ?? all;
  });
}
