/** Runbooks: complete, of one form, and true of the alerts, commands and metrics there are. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIRECTORY = join(ROOT, 'docs/runbooks');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
const rulesOf = (file: string) => (parse(read(file)) as { groups: { rules: Rule[] }[] }).groups.flatMap((g) => g.rules);
const rules = rulesOf('alerts/fourlane-alerts.yaml').filter((rule) => rule.alert !== undefined);
const names = [...new Set(rules.map((r) => r.alert!))].sort();
const runbook = (alert: string) => readFileSync(join(DIRECTORY, `${alert}.md`), 'utf8');
/** This room's documents: path from the root → text. */
const pages = new Map(
  [...readdirSync(DIRECTORY).map((f) => `docs/runbooks/${f}`), 'docs/paging.md'].map((path) => [path, read(path)]),
);

test('there is one runbook for each alert, and no other', () => {
  const files = readdirSync(DIRECTORY).filter((f) => f !== 'README.md');
  assert.deepEqual(
    files.sort(),
    names.map((n) => `${n}.md`),
  );
});

test('each has its name, what fires it, and the same sections, none empty', () => {
  for (const name of names) {
    const text = runbook(name);
    const [title, firing] = text.split('\n');
    assert.equal(title, `# ${name}`);
    const { labels, for: hold } = rules.find((r) => r.alert === name)!;
    assert.ok(firing!.includes(`\`${labels!['severity']}\``) || labels!['severity'] === 'none', `${name}: ${firing}`);
    const spoken = { s: 's', m: 'minute', h: 'hour' }[hold?.at(-1) ?? ''];
    const held = hold === undefined || hold === '0s' ? 'at once|fires always' : `after ${Number.parseInt(hold, 10)} ${spoken}`;
    assert.match(firing!, new RegExp(held), `${name}: ${hold}`);
    const sections = text.split(/^## /m).slice(1);
    assert.deepEqual(
      sections.map((s) => s.slice(0, s.indexOf('\n'))),
      ['Meaning', 'Impact', 'Look at', 'Do', 'Escalate'],
      name,
    );
    for (const s of sections) assert.ok(s.slice(s.indexOf('\n')).trim().length > 20, `${name}: ${s}`);
    assert.ok(text.split('\n').length <= 50, `${name} is too long for the night`);
  }
});

test('the table lists exactly the alerts, with their severities and summaries', () => {
  const rows = [...read('docs/runbooks/README.md').matchAll(/^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| (.+) \|$/gm)];
  for (const [, name, file] of rows) assert.equal(name, file);
  assert.deepEqual(
    rows.map(([, name, , severity, summary]) => [name, severity, summary].join(' | ')).sort(),
    [...new Set(rules.map((r) => [r.alert, r.labels!['severity'], r.annotations!['summary']].join(' | ')))].sort(),
  );
});

/** Anchors of headings, as GitHub makes them. */
const anchors = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('links lead to files and headings that exist', () => {
  let count = 0;
  for (const [path, text] of pages) {
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      count++;
      const [file, anchor] = target!.split('#');
      const at = file === '' ? join(ROOT, path) : join(ROOT, path, '..', file!);
      assert.ok(existsSync(at), `${path}: ${target}`);
      if (anchor !== undefined) assert.ok(anchors(readFileSync(at, 'utf8')).includes(anchor), `${path}: ${target}`);
    }
  }
  assert.ok(count > 100);
});

test('commands of fourlane exist', () => {
  const commands = [...read('src/cli/main.ts').matchAll(/^ {2}'?([\w-]+)'?: \{/gm)].map((m) => m[1]!);
  assert.ok(commands.includes('status') && commands.includes('check-config'));
  const shown = rules.map((r) => [`the command of ${r.alert}`, r.annotations!['command']!] as const);
  // In code only: `fourlane` in a sentence, or in the name of a unit or path, is no command.
  const written = [...pages].flatMap(([path, text]) =>
    [...text.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)].map((m) => [path, m[1] ?? m[2]!] as const),
  );
  let count = 0;
  for (const [where, code] of [...shown, ...written]) {
    for (const [, word] of code.matchAll(/(?:^|[;|&(] *)fourlane ([a-z][\w-]*)/gm)) {
      count++;
      assert.ok(commands.includes(word!), `${where}: there is no command "fourlane ${word}"`);
    }
  }
  assert.ok(count > 80);
});

test('metrics and recorded series exist', () => {
  const known = new Set([...read('docs/metrics.md').matchAll(/`((?:fourlane|process|nodejs)_\w+)`/g)].map((m) => m[1]!));
  const recorded = new Set(rulesOf('alerts/fourlane-rules.yaml').map((r) => r.record!));
  // In a pattern of grep the beginning of a name will do.
  const exists = (name: string, begun: boolean) =>
    known.has(name.replace(/_(?:bucket|count|sum)$/, '')) || (begun && [...known].some((k) => k.startsWith(name)));
  let count = 0;
  for (const [path, text] of pages) {
    for (const [code] of text.matchAll(/```\w*\n[\s\S]*?```|[^`]+|`/g)) {
      for (const [, name] of code.matchAll(/(?<![\w:/])(fourlane_[a-z_]*[a-z])(?![\w*:])/g)) {
        count++;
        assert.ok(exists(name!, code.includes('grep')), `${path}: ${name} is no metric`);
      }
    }
    for (const [name] of text.matchAll(/(?:cluster|server|cluster_service):fourlane_\w+:\w+/g))
      assert.ok(recorded.has(name), `${path}: ${name} is not recorded`);
  }
  assert.ok(count > 60);
});

test("what is searched for in the agent's metrics is there", () => {
  const known = [...read('docs/metrics.md').matchAll(/^\| `(\w+)` \|/gm)].map((m) => m[1]!);
  let count = 0;
  for (const [path, text] of pages) {
    for (const [, quoted, word] of text.matchAll(/:9844\/metrics \| grep (?:-\w )?(?:'([^']+)'|(\w+))/g)) {
      const pattern = (quoted ?? word ?? '').replace(/[."=].*$/, '');
      if (pattern === '') continue;
      count++;
      assert.ok(
        known.some((k) => new RegExp(pattern).test(k)),
        `${path}: grep ${pattern}`,
      );
    }
  }
  assert.ok(count > 20, String(count));
});

interface Inhibition {
  readonly source_matchers: readonly string[];
  readonly target_matchers: readonly string[];
  readonly equal: readonly string[];
}
/** The alerts that matchers select, without `Fourlane`, and what else they ask for. */
function selected(matchers: readonly string[]): { alerts: string[]; more: string[] } {
  const name = matchers.find((m) => m.startsWith('alertname'))!;
  const pattern = new RegExp(`^(?:${/^alertname =~? "?([^"]*)"?$/.exec(name)![1]!})$`);
  return {
    alerts: names.filter((n) => pattern.test(n)).map((n) => n.replace('Fourlane', '')),
    more: matchers.filter((m) => m !== name),
  };
}
const inhibitions = (parse(read('alerts/alertmanager.yml')) as { inhibit_rules: Inhibition[] }).inhibit_rules;

test('the table of inhibitions is that of Alertmanager', () => {
  const key = (sources: string[], targets: string[], more: string, equal: string) =>
    [sources.sort().join(' '), targets.sort().join(' ') + more, equal].join(' > ');
  const written = [
    ...read('docs/paging.md').matchAll(/^\| ([\w, ]+) \| ([\w, ]+?)( \(\w+ = \w+\))? \| (cluster[\w, ]*) \|$/gm),
  ].map((m) => key(m[1]!.split(', '), m[2]!.split(', '), m[3] ?? '', m[4]!));
  const real = inhibitions.map((i) => {
    const target = selected(i.target_matchers);
    const more = target.more.map((m) => ` (${m})`).join('');
    return key(selected(i.source_matchers).alerts, target.alerts, more, i.equal.join(', '));
  });
  assert.deepEqual(written, real);
});

test('what is said to be never inhibited is just that', () => {
  const inhibited = new Set(
    inhibitions.flatMap((i) => {
      const { alerts, more } = selected(i.target_matchers);
      return more.length > 0 ? [] : alerts;
    }),
  );
  const partly = new Set(inhibitions.flatMap((i) => selected(i.target_matchers).alerts));
  const [paragraph] = /^Of what pages, \*\*never inhibited\*\*[\s\S]*?\n\n/m.exec(read('docs/paging.md'))!;
  for (const { alert, labels } of rules) {
    const name = alert!.replace('Fourlane', '');
    if (labels!['severity'] !== 'critical' && labels!['severity'] !== 'none') continue;
    assert.equal(new RegExp(`\\b${name}\\b`).test(paragraph), !partly.has(name), name);
    const said =
      /never (?:to be )?(?:inhibited|silenced)/i.test(runbook(alert!)) ||
      /either inhibits nor is inhibited/.test(runbook(alert!));
    if (said) assert.ok(!inhibited.has(name), `${alert} is inhibited`);
  }
});

test('each runbook says what inhibits it', () => {
  for (const { source_matchers, target_matchers } of inhibitions) {
    for (const target of selected(target_matchers).alerts) {
      const text = runbook(`Fourlane${target}`);
      // One phrase for the four that make all else unbelievable.
      const blind = /blind or dead agent/.test(text);
      for (const source of selected(source_matchers).alerts) {
        const named = text.includes(source) || (blind && /^Agent|^AllReal/.test(source));
        assert.ok(named, `${target} does not say that ${source} inhibits it`);
      }
    }
  }
});
