import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS } from '../../src/model/errors.ts';
import { METRICS_DOC, metricsDoc } from '../generate-docs.ts';
import type { RunningServer } from '../../src/http/server.ts';
import { fakeView } from '../report/fake-view.ts';
import { ask, json } from './http.ts';
import { linkTo, serve } from './link.ts';

test('docs/metrics.md lists what the agent exports', async () => {
  const made = await metricsDoc();
  assert.equal(readFileSync(METRICS_DOC, 'utf8'), made, 'run `node test/generate-docs.ts`');
  const rows = made.match(/^\| `(fourlane|process|nodejs)_/gm) ?? [];
  assert.ok(rows.length > 50, 'every family has a section');
});

test('docs/errors.md says of every code what the table says', () => {
  const documented = [
    ...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (user|system) \| \S.* \| \S.* \|$/gm),
  ];
  const rows = documented.map(([, code, status, side]) => [code!, { side, status: Number(status) }]);
  assert.deepEqual(Object.fromEntries(rows), ERRORS);
  assert.equal(rows.length, Object.keys(ERRORS).length);
});

test('docs/http.md lists the routes that there are', async () => {
  const documented = [...readFileSync('docs/http.md', 'utf8').matchAll(/^\| `(?:GET|POST) (\/[^?`]*)/gm)].map((m) => m[1]);
  const server: RunningServer = await serve(linkTo(fakeView()));
  const { message } = json(await ask(server.port, '/nowhere'));
  await server.close();
  assert.deepEqual(new Set(documented), new Set(message.split(' ').filter((word) => word.startsWith('/'))));
});
