import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS } from '../../src/model/errors.ts';
import { generatedFiles } from '../generate-docs.ts';
import type { WhyReport } from '../../src/report/why.ts';
import { fakeView, troubledView } from '../report/fake-view.ts';
import { ask, json } from './http.ts';
import { linkTo, serve, type RunningServer } from './link.ts';

test('what is generated from tables of the code is as they are; docs/metrics.md lists what the agent exports', async () => {
  const files = await generatedFiles();
  for (const [path, text] of files) assert.equal(readFileSync(path, 'utf8'), text, `${path}: run \`npm run generate\``);
  const rows = files.get('docs/metrics.md')!.match(/^\| `(fourlane|process|nodejs)_/gm) ?? [];
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

test('every code is given to some error or line of the log', () => {
  const source = globSync('src/**/*.ts').filter((file) => file !== 'src/model/errors.ts');
  const text = source.map((file) => readFileSync(file, 'utf8')).join('\n');
  const used = new Set([...text.matchAll(/(?:FourlaneError\(\s*|super\(|\bcode[:=] *|\bcode = )'([A-Z_]+)'/g)].map((m) => m[1]));
  assert.deepEqual(
    Object.keys(ERRORS).filter((code) => !used.has(code)),
    [],
  );
});

test('docs/http.md lists the routes that there are', async () => {
  const documented = [...readFileSync('docs/http.md', 'utf8').matchAll(/^\| `(?:GET|POST) (\/[^?`]*)/gm)].map((m) => m[1]);
  const server: RunningServer = await serve(linkTo(fakeView()));
  const { message } = json(await ask(server.port, '/nowhere'));
  await server.close();
  assert.deepEqual(new Set(documented), new Set(message.split(' ').filter((word) => word.startsWith('/'))));
});

test('the sample in docs/http.md is what the agent answers', async () => {
  const server = await serve(linkTo(troubledView()));
  const [first] = json<WhyReport>(await ask(server.port, '/api/v1/why?nic=eth3')).verdicts;
  await server.close();
  const { verdict, cause, reason, evidence } = first!;
  const shown = JSON.stringify({ verdict, cause, reason, rule: evidence.rule }, null, 2);
  assert.ok(readFileSync('docs/http.md', 'utf8').includes(`rule: .evidence.rule}'\n${shown}\n`), shown);
});
