/**
 * The pages for contributors: every file, command and script they name exists, and their lists are what an existing entry
 * touches.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

/** What stands in each page for the name of the new thing: an existing one. */
const EXAMPLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'CONTRIBUTING.md': {},
  'docs/architecture.md': {},
  'docs/adding-a-check.md': { NAME: 'udp' },
  'docs/adding-a-collector.md': { NAME: 'ipvs' },
  'docs/adding-an-actuator.md': { bird: 'webhook' },
  'docs/adding-a-rule.md': {},
  'docs/adding-an-alert.md': { NAME: 'FourlaneNicPartial', GROUP: 'nic' },
  'docs/adding-a-config-key.md': { WHY: 'unknown-key' },
};

function pageOf(path: string): string {
  return Object.entries(EXAMPLES[path]!).reduce(
    (text, [word, example]) => text.replace(new RegExp(`\\b${word}\\b`, 'g'), example),
    readFileSync(path, 'utf8'),
  );
}

const exists = (path: string) => globSync(path.replace(/\/$/, '')).length > 0;

test('the pages are all the pages there are', () => {
  assert.deepEqual(
    globSync('docs/adding-*.md').toSorted(),
    Object.keys(EXAMPLES)
      .filter((p) => p.startsWith('docs/adding-'))
      .toSorted(),
  );
});

test('files that they name exist, and so do scripts and links', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  let count = 0;
  for (const path of Object.keys(EXAMPLES)) {
    const text = pageOf(path);
    for (const [, name] of text.matchAll(/`((?:src|test|docs|alerts|dashboards)\/[\w./*-]+)`/g)) {
      count++;
      assert.ok(exists(name!), `${path}: ${name}`);
    }
    for (const [, name] of text.matchAll(/`npm run ([\w:-]+)/g)) assert.ok(name! in scripts, `${path}: npm run ${name}`);
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)/g))
      assert.ok(exists(join(dirname(path), target!)), `${path}: ${target}`);
  }
  assert.ok(count > 60, `${count} files`);
});

/** The files of a page's table. */
function listed(path: string): string[] {
  const files = [...pageOf(path).matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1]!);
  assert.ok(files.length > 3, path);
  return files;
}

/** Files among `globs` that have the word. */
function naming(word: string, ...globs: string[]): string[] {
  return globSync(globs).filter((file) => new RegExp(`\\b${word}\\b`).test(readFileSync(file, 'utf8')));
}

test('an alert is where the page says, and nowhere else', () => {
  const alert = EXAMPLES['docs/adding-an-alert.md']!['NAME']!;
  // Other runbooks may mention it.
  const found = naming(
    alert,
    'alerts/**/*.{libsonnet,yaml,yml}',
    `docs/runbooks/{README,${alert}}.md`,
    'docs/*.md',
    'test/alerts/**/*.ts',
  );
  assert.deepEqual(
    found.filter((file) => file !== 'docs/adding-an-alert.md').toSorted(),
    listed('docs/adding-an-alert.md').toSorted(),
  );
});

test('a configuration key is where the page says, and nowhere else in the rooms that make the plan', () => {
  for (const key of ['stateDir', 'opentelemetry', 'rules']) {
    const found = naming(key, 'src/config/{schema,plan,diff}.ts', 'src/model/plan.ts', 'docs/configuration.md');
    assert.deepEqual(found.toSorted(), listed('docs/adding-a-config-key.md').toSorted(), key);
  }
  assert.deepEqual(naming('stateDir', 'src/{config,model}/*.ts').length, 4);
});

test('a verdict is where the page says, and nowhere else in the product', () => {
  const verdict = 'PROBE_PATH_FAULT';
  const list = listed('docs/adding-a-rule.md');
  const found = naming(verdict, 'src/**/*.ts', 'alerts/groups/*', 'docs/attribution.md', 'test/judge/rules.test.ts');
  assert.deepEqual(
    found.filter((file) => !list.includes(file)),
    [],
  );
  // Thresholds are named by their rule, and what it remembers by what that is.
  assert.deepEqual(list.filter((file) => !found.includes(file)).toSorted(), ['src/judge/columns.ts', 'src/model/rules.ts']);
});

test('what the pages say fails is a test', () => {
  for (const path of Object.keys(EXAMPLES)) {
    for (const [, names] of pageOf(path).matchAll(/\| ([^|]*`test[^|]*\.test\.ts`[^|]*) \|$/gm)) {
      for (const [, file] of names!.matchAll(/`(test[^`]*)`/g)) assert.ok(exists(file!), `${path}: ${file}`);
    }
  }
});
