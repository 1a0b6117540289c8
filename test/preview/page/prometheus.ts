/** Prometheus' HTTP API and the time range, as a dashboard asks. */
import { preview } from './settings.ts';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

async function ask<T>(path: string, query: Readonly<Record<string, string>>): Promise<T> {
  const answer = await fetch(`${preview.prometheus}/api/v1/${path}?${new URLSearchParams(query).toString()}`);
  const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: T };
  if (status !== 'success') throw new Error(error);
  return data;
}

const range = { start: String(preview.from), end: String(preview.to) };

/** Values of a label of the series that match. */
export function labelValues(label: string, match: string): Promise<string[]> {
  return ask(`label/${label}/values`, { ...range, 'match[]': match });
}

export async function instant(query: string): Promise<readonly Series[]> {
  return (await ask<{ result: Series[] }>('query', { query, time: range.end })).result;
}

/** `step` in s. */
export async function overTime(query: string, step: number): Promise<readonly Series[]> {
  return (await ask<{ result: Series[] }>('query_range', { query, ...range, step: String(step) })).result;
}
