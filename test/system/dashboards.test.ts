/**
 * The dashboards against a real Prometheus: every panel has data in a lab under faults, every expression is valid, generation is
 * reproducible.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { dashboards, expanded, expressions } from '../dashboards/dashboard.ts';
import { findings } from '../dashboards/panels.ts';
import { Scene } from '../dashboards/scene.ts';
import { ensure } from '../../src/lab/ensure.ts';

/** Queries, as `dashboard: panel: refId`, that have nothing to return in this scene, and why. */
const EMPTY: Readonly<Record<string, string>> = {
  'agent: Lost records: C': 'a series per family that went over its limit of series: none does',
};

const dir = mkdtempSync(join(tmpdir(), 'fourlane-dashboards-'));
after(() => rmSync(dir, { recursive: true }));

/** What promtool says of these expressions as recording rules. */
function checkRules(exprs: readonly string[]): { readonly status: number | null; readonly output: string } {
  const file = join(dir, 'rules.yaml');
  writeFileSync(file, stringify({ groups: [{ name: 'all', rules: exprs.map((expr, k) => ({ record: `e${k}`, expr })) }] }));
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('Prometheus accepts every expression of panels, variables, annotations and rules; a planted error is found', () => {
  ensure(['prometheus']);
  const exprs = expressions().map(({ expr }) => expanded(expr));
  assert.ok(exprs.length > 150);
  const good = checkRules(exprs);
  assert.equal(good.status, 0, good.output);
  // The first is a syntax error, the second of types, which only this parser finds.
  assert.notEqual(checkRules([...exprs, 'sum by (server (up)']).status, 0);
  assert.notEqual(checkRules(['rate(up)']).status, 0);
});

test('the committed dashboards, rules and alerts are what the sources give', () => {
  ensure(['jsonnet']);
  const standin = join(import.meta.dirname, '../../dashboards/standin');
  const env = { ...process.env, JPATH: standin };
  const run = spawnSync(process.execPath, ['test/generate.ts', '--check'], { encoding: 'utf8', env });
  assert.equal(run.status, 0, run.stdout + run.stderr);
});

let scene: Scene | undefined;
before(async () => {
  ensure(['iproute2', 'nftables', 'prometheus', 'prometheus-alertmanager']);
  scene = await Scene.start(1);
  await scene.hurt();
  await scene.until('a NIC failed', 'fourlane_nic_verdict{verdict="NIC_FAIL"} == 1', 20_000);
  await scene.until('a real server down', 'fourlane_real_server_verdict{verdict="RS_DOWN"}', 20_000);
  await scene.until('a path failed', 'fourlane_path_fault == 1', 20_000);
  // Recording rules follow, and what they record of what they recorded.
  await scene.until('outliers', 'server:fourlane_outlier:score', 20_000);
});
after(() => scene?.close());

for (const [file, dashboard] of dashboards()) {
  test(`${file}: every query of every panel returns data under faults`, async () => {
    const found = await findings(scene!.monitoring, dashboard);
    assert.deepEqual(found.apart, []);
    const empty = found.empty.map((q) => `${file.replace('.json', '')}: ${q}`);
    assert.deepEqual(
      empty.filter((q) => !(q in EMPTY)),
      [],
    );
    const own = Object.keys(EMPTY).filter((q) => q.startsWith(`${file.replace('.json', '')}: `));
    assert.deepEqual(
      own.filter((q) => !empty.includes(q)),
      [],
      'listed as empty, but returns data',
    );
  });
}
