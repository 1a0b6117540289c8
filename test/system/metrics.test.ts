/** What /metrics says, read by Prometheus' own parsers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { troubledView } from '../report/fake-view.ts';
import { ask } from '../http/http.ts';
import { linkTo, serve, type RunningServer } from '../http/link.ts';
import { ensure } from '../../src/lab/ensure.ts';

let server: RunningServer;
const dir = mkdtempSync(join(tmpdir(), 'fourlane-metrics-'));
const histogram = {
  name: 'fourlane_sample_seconds',
  help: 'H "quoted" \\ and\nbroken.',
  type: 'histogram',
  labelNames: ['a'],
  rows: [['x"\\\n']],
  bounds: [0.5, 1],
  values: [1, 2, 3, 4.5],
} as const;
before(async () => {
  ensure(['prometheus']);
  server = await serve(linkTo(troubledView(), {}, { families: () => [histogram] }));
});
after(async () => {
  await server?.close();
  rmSync(dir, { recursive: true, force: true });
});

function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const run = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status: run.status, said: `${run.stdout}${run.stderr}` };
}

test('promtool finds nothing to complain about in the text format', async () => {
  const text = (await ask(server.port, '/metrics')).body.toString();
  assert.deepEqual(promtool(['check', 'metrics'], text), { status: 0, said: '' });
  assert.notEqual(promtool(['check', 'metrics'], text.replace('# TYPE', '# TIPE x\n# TYPE x')).status, 0);
});

test('nor in that of a host with every source, and of a host with none', () => {
  for (const name of ['host-every-source', 'host-no-source']) {
    const text = readFileSync(new URL(`../fixtures/metrics/${name}.txt`, import.meta.url), 'utf8');
    assert.deepEqual(promtool(['check', 'metrics'], text), { status: 0, said: '' }, name);
  }
});

test('Prometheus reads every sample of the OpenMetrics format', async () => {
  const body = (await ask(server.port, '/metrics', { headers: { accept: 'application/openmetrics-text' } })).body.toString();
  // Blocks want a time for each sample; scrapes bring none.
  const timed = body.replace(/^[^#\n].*$/gm, (line) => `${line} 1700000000`);
  writeFileSync(join(dir, 'metrics.om'), timed);
  const made = promtool(['tsdb', 'create-blocks-from', 'openmetrics', join(dir, 'metrics.om'), join(dir, 'data')]);
  assert.equal(made.status, 0, made.said);
  mkdirSync(join(dir, 'data', 'wal')); // dump wants one
  const dump = promtool(['tsdb', 'dump', join(dir, 'data')]);
  assert.equal(dump.said.trim().split('\n').length, timed.match(/ 1700000000$/gm)?.length);
  assert.match(
    dump.said,
    /__name__="fourlane_sample_seconds_bucket", a="x\\"\\\\\\n", cluster="edge-1", le="\+Inf", server="lb-01"\} 6 /,
  );
  writeFileSync(join(dir, 'broken.om'), timed.replace('# EOF\n', ''));
  assert.notEqual(promtool(['tsdb', 'create-blocks-from', 'openmetrics', join(dir, 'broken.om'), join(dir, 'other')]).status, 0);
});
