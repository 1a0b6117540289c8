import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Dashboard, dashboards, expressions, type Panel, rules } from './dashboard.ts';
import { brokenLinks, lint } from './lint.ts';
import { NOT_SHOWN } from './not-shown.ts';

const all = dashboards();

for (const [file, d] of all) test(`${file} has no lint`, () => assert.deepEqual(lint(d), []));

test('uids and titles are unique and belong to the family', () => {
  const list = [...all.values()];
  for (const key of ['uid', 'title'] as const) assert.equal(new Set(list.map((d) => d[key])).size, list.length);
  for (const [file, d] of all) assert.equal(d.uid, `fourlane-${file.replace('.json', '')}`);
});

test('links of panels and alerts lead to dashboards with these variables', () => {
  const links = [
    ...[...all.values()].flatMap((d) => [...JSON.stringify(d).matchAll(/"url":"([^"]+(?:\\"[^"]*)*)"/g)].map((m) => m[1]!)),
    ...rules().flatMap((r) => r.annotations?.['dashboard_url'] ?? []),
  ];
  assert.ok(links.length > 20);
  assert.deepEqual(brokenLinks(links, [...all.values()]), []);
  assert.equal(brokenLinks(['/d/nowhere?var-x=1'], [...all.values()]).length, 1);
  assert.equal(brokenLinks(['/d/fourlane-cluster?var-core=1'], [...all.values()]).length, 1);
});

test('each planted fault is found', () => {
  const good = all.get('cluster.json')!;
  const at = good.panels.findIndex((p) => p.type === 'timeseries');
  const withPanel = (change: Partial<Panel>): Dashboard => ({
    ...good,
    panels: good.panels.map((p, i) => (i === at ? { ...p, ...change } : p)),
  });
  const target = (expr: string) => withPanel({ targets: [{ expr, refId: 'A', legendFormat: 'x' }] });
  const planted: readonly (readonly [string, Dashboard])[] = [
    ['uneditable-dashboard', { ...good, editable: true }],
    ['template-datasource-rule', { ...good, templating: { list: good.templating.list.slice(1) } }],
    ['template-job-rule', { ...good, templating: { list: good.templating.list.filter((v) => v.name !== 'job') } }],
    [
      'template-on-time-change-reload-rule',
      { ...good, templating: { list: good.templating.list.map((v) => ({ ...v, refresh: 1 })) } },
    ],
    ['template-label-promql-rule', { ...good, templating: { list: good.templating.list.map((v) => ({ ...v, query: 'x' })) } }],
    ['panel-title-description-rule', withPanel({ description: '' })],
    ['panel-datasource-rule', withPanel({ datasource: { uid: 'prometheus' } })],
    ['panel-no-targets-rule', withPanel({ targets: [] })],
    ['panel-units-rule', withPanel({ fieldConfig: { defaults: { unit: 'furlongs' } } })],
    ['panel-legend', withPanel({ targets: [{ expr: 'up', refId: 'A' }] })],
    ['grid-overlap', withPanel({ gridPos: good.panels[at - 1]!.gridPos })],
    ['grid:', withPanel({ gridPos: { x: 20, y: 999, w: 8, h: 4 } })],
    ['panel-ids', withPanel({ id: good.panels[at - 1]!.id })],
    ['target-job-rule', target('fourlane_nic_up{cluster="x"}')],
    ['target-rate-interval-rule', target('rate(fourlane_actions_total{job=~"$job"}[5m])')],
    ['target-counter-agg-rule', target('sum(fourlane_actions_total{job=~"$job"})')],
    ['variable-exists', target('fourlane_nic_up{job=~"$job", nic=~"$nic"}')],
  ];
  for (const [rule, d] of planted)
    assert.ok(
      lint(d).some((f) => f.startsWith(rule)),
      `${rule} is not found`,
    );
});

/** Families of docs/metrics.md, which is generated from the code. */
const exported = new Map(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map((m) => [m[1]!, m[2]!] as const),
);
const names = (expr: string) =>
  [...expr.matchAll(/\b(?:\w+:)?(?:fourlane|process|nodejs)_\w+(?::\w+)?\b/g)].map((m) => m[0]).filter((n) => !n.endsWith('_'));
const family = (name: string) => {
  const base = name.replace(/_(?:bucket|sum|count)$/, '');
  return exported.get(base) === 'histogram' ? base : name;
};

test('every metric in use is exported by the agent or recorded by a rule', () => {
  const recorded = new Set(rules().flatMap((r) => r.record ?? []));
  const spoken = rules().flatMap((r) =>
    Object.entries(r.annotations ?? {}).map(([k, expr]) => ({ where: `${r.alert} ${k}`, expr })),
  );
  const strange = [...expressions(), ...spoken].flatMap(({ where, expr }) =>
    names(expr)
      .filter((n) => !recorded.has(n) && !exported.has(family(n)))
      .map((n) => `${where}: ${n}`),
  );
  assert.deepEqual(strange, []);
});

test('every exported family is shown, or listed as not shown with a reason', () => {
  const used = new Set(expressions().flatMap(({ expr }) => names(expr).map(family)));
  const silent = [...exported.keys()].filter((n) => !used.has(n));
  assert.deepEqual(
    silent.filter((n) => !(n in NOT_SHOWN)),
    [],
    'neither shown nor listed',
  );
  assert.deepEqual(
    Object.keys(NOT_SHOWN).filter((n) => used.has(n) || !exported.has(n)),
    [],
    'listed, but shown or not exported',
  );
});
