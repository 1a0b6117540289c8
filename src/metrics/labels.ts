/** Everything of a sample line but its number, as bytes made once per set of series. */
import type { Family } from '../model/family.ts';
import { formatBound } from './numbers.ts';

/** Escapes a label value. */
export function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)) : value;
}

/** Escapes HELP text: OpenMetrics escapes double quotes too, the older format does not. */
export function escapeHelp(help: string, openMetrics: boolean): string {
  const escaped = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return openMetrics ? escaped.replace(/"/g, '\\"') : escaped;
}

/** `name="value",…` of labels that are the same on every series. */
export function constantLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** Lines' beginnings of one family: prefix k is `bytes[starts[k] .. starts[k + 1])` and ends with the blank before the number. */
export interface Prefixes {
  readonly bytes: Buffer;
  readonly starts: Int32Array;
  readonly count: number;
}

/** Number of sample lines of one series. */
export function linesPerSeries(family: Family): number {
  return family.type === 'histogram' ? (family.bounds ?? []).length + 3 : 1;
}

/** Renders the beginnings of all lines of `family`; `constant` as from `constantLabels`. */
export function renderPrefixes(family: Family, constant: string): Prefixes {
  const { name, labelNames, rows } = family;
  const count = rows.length * linesPerSeries(family);
  const lines: string[] = [];
  const starts = new Int32Array(count + 1);
  let at = 0;
  const add = (line: string) => {
    lines.push(line);
    at += Buffer.byteLength(line);
    starts[lines.length] = at;
  };
  const braces = (labels: string) => (labels === '' ? '' : `{${labels}}`);
  const les = [...(family.bounds ?? []).map(formatBound), '+Inf'];
  for (const row of rows) {
    let labels = constant;
    for (let i = 0; i < labelNames.length; i++) {
      labels += `${labels === '' ? '' : ','}${labelNames[i]}="${escapeLabel(row[i] ?? '')}"`;
    }
    if (family.type !== 'histogram') {
      add(`${name}${braces(labels)} `);
      continue;
    }
    for (const le of les) add(`${name}_bucket{${labels === '' ? '' : `${labels},`}le="${le}"} `);
    add(`${name}_sum${braces(labels)} `);
    add(`${name}_count${braces(labels)} `);
  }
  return { bytes: Buffer.from(lines.join('')), starts, count };
}
