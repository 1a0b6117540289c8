/** Tests of alerts for promtool, made from a table: each alert fires when it should, not just below, and resolves. */

/** A gauge's value, a counter's growth per step, or no sample. */
export type Value = number | { readonly grows: number } | null;

export interface Series {
  /** Name and labels; job, instance, cluster and server are added. */
  readonly series: string;
  readonly good: Value;
  readonly bad: Value;
  /** Just not bad enough; left out: as `good`. */
  readonly below?: Value;
}

export interface AlertCase {
  readonly alert: string;
  /** Labels of the alert besides cluster, server and severity. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Without `server`: the alert is the cluster's. */
  readonly cluster?: true;
  readonly severity: 'critical' | 'warning' | 'info' | 'none';
  readonly series: readonly Series[];
  /**
   * s from the fault until it fires, and from the repair until it has resolved: what `for`, `keep_firing_for` and ranges make of
   * it.
   */
  readonly firesAfter: number;
  readonly resolvesAfter: number;
  /** s from the fault in which it surely does not fire yet, where that is not just before `firesAfter`. */
  readonly quietFor?: number;
  /** s between two samples and evaluations; 5 when left out. */
  readonly step?: number;
}

/** s that causes go on firing after they are gone: `keepFiring` of dashboards/config.libsonnet. */
export const KEEP = 120;

/** A 0/1 gauge. */
export const flag = (series: string): Series => ({ series, good: 0, bad: 1, below: 0 });

const BASE = 'job="fourlane", instance="10.0.0.1:9844", cluster="edge", server="lb1"';

/** `fourlane_x{a="b"}` with the labels all series have, unless it names them itself. */
function labelled(series: string): string {
  const [, name, own] = /^([^{]+)(?:\{(.*)\})?$/.exec(series)!;
  const has = new Set([...(own ?? '').matchAll(/(\w+)="/g)].map((m) => m[1]));
  const base = BASE.split(', ').filter((l) => !has.has(l.slice(0, l.indexOf('='))));
  return `${name}{${[...base, ...(own ? [own] : [])].join(', ')}}`;
}

/** Values over phases [[value, steps]…]; counters go on from where they were. */
export function values(phases: readonly (readonly [Value, number])[]): string {
  let now = 0;
  const all: string[] = [];
  for (const [value, steps] of phases) {
    for (let i = 0; i < steps; i++) {
      if (typeof value === 'object' && value !== null) all.push(String((now += value.grows)));
      else if (value === null) all.push(i === 0 && all.length > 0 ? 'stale' : '_');
      else all.push(String((now = value)));
    }
  }
  return all.join(' ');
}

/** s between two samples. */
export const stepOf = (c: AlertCase): number => c.step ?? 5;

/** Steps of quiet before the fault. */
const QUIET = 12;

/** What promtool reads: two tests. */
export function promtoolTests(c: AlertCase): object[] {
  const step = stepOf(c);
  const steps = (s: number) => Math.ceil(s / step);
  const until = steps(c.firesAfter) + 8;
  const after = steps(c.resolvesAfter) + 8;
  const at = (n: number) => `${n * step}s`;
  const labels = {
    alertname: c.alert,
    alertstate: 'firing',
    severity: c.severity,
    ...(c.cluster ? {} : { server: 'lb1' }),
    ...(c.severity === 'none' ? {} : { cluster: 'edge' }),
    ...c.labels,
  };
  const text = `ALERTS{${Object.entries(labels)
    .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
    .join(', ')}}`;
  const probe = (n: number, firing: boolean) => ({
    expr: `ALERTS{alertname="${c.alert}", alertstate="firing"}`,
    eval_time: at(n),
    exp_samples: firing ? [{ labels: text, value: 1 }] : [],
  });
  const input = (phases: (s: Series) => readonly (readonly [Value, number])[]) =>
    c.series.map((s) => ({ series: labelled(s.series), values: values(phases(s)) }));
  return [
    {
      name: `${c.alert}: fires and resolves`,
      interval: `${step}s`,
      input_series: input((s) => [
        [s.good, QUIET],
        [s.bad, until],
        [s.good, after + 6],
      ]),
      promql_expr_test: [
        probe(QUIET - 1, false),
        ...(c.firesAfter > 0 ? [probe(QUIET + steps(c.quietFor ?? c.firesAfter) - 2, false)] : []),
        probe(QUIET + steps(c.firesAfter) + 3, true),
        probe(QUIET + until - 1, true),
        probe(QUIET + until + after, false),
      ],
    },
    {
      name: `${c.alert}: not just below`,
      interval: `${step}s`,
      input_series: input((s) => [
        [s.good, QUIET],
        [s.below === undefined ? s.good : s.below, until + after],
      ]),
      promql_expr_test: Array.from({ length: 12 }, (_, i) => probe(QUIET + Math.floor(((until + after - 1) * i) / 11), false)),
    },
  ];
}

/** What tells two cases of one alert apart. */
export const speechName = (c: AlertCase): string =>
  [c.alert, ...Object.values(c.labels ?? {})].join(' ').replaceAll(/[^\w. -]/g, '_');

/** One test that fails on purpose, so that promtool prints the alert with its annotations filled in. */
export function promtoolSpeech(c: AlertCase): object {
  const step = stepOf(c);
  const bad = Math.ceil(c.firesAfter / step) + 8;
  return {
    name: speechName(c),
    interval: `${step}s`,
    input_series: c.series.map((s) => ({
      series: labelled(s.series),
      values: values([
        [s.good, QUIET],
        [s.bad, bad],
      ]),
    })),
    alert_rule_test: [{ eval_time: `${(QUIET + bad - 1) * step}s`, alertname: c.alert, exp_alerts: [] }],
  };
}
