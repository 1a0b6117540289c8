/** Every alert by promtool: it fires, it does not fire just below, it resolves; its page says where, what and what to do. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { cases } from '../alerts/cases.ts';
import { groupsFor, type RuleGroup } from '../alerts/depends.ts';
import { type AlertCase, promtoolSpeech, promtoolTests, speechName, stepOf } from '../alerts/timeline.ts';
import { ensure } from '../../src/lab/ensure.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RULES = ['alerts/fourlane-alerts.yaml', 'alerts/fourlane-rules.yaml'].map((f) => join(ROOT, f));
const dir = mkdtempSync(join(tmpdir(), 'fourlane-alerts-'));
before(() => ensure(['prometheus', 'prometheus-alertmanager']));
after(() => rmSync(dir, { recursive: true }));

interface Alert {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
const groups = parse(readFileSync(RULES[0]!, 'utf8')) as { groups: { name: string; rules: Alert[] }[] };
/** Recording rules first: samples further apart than 5 minutes are not seen from one evaluation to the next. */
const ALL = [...RULES].reverse().flatMap((f) => (parse(readFileSync(f, 'utf8')) as { groups: RuleGroup[] }).groups);
/** Not the recorded series that pages look things up in. */
const alerts = groups.groups.flatMap((g) => g.rules).filter((rule) => 'alert' in rule);

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  return { status, said: `${stdout}${stderr}` };
}

/** promtool's own unit tests on these, each with the rules that its alert depends on. */
function promtool(name: string, cases: readonly AlertCase[], make: (c: AlertCase) => object | object[]) {
  const files = [...Map.groupBy(cases, (c) => c.alert)].flatMap(([alert, ofAlert]) => {
    const groups = groupsFor(alert, ALL);
    const rules = join(dir, `${name}-${alert}-rules.yaml`);
    writeFileSync(rules, stringify({ groups }));
    const order = groups.map((g) => g.name);
    // A file per step: the evaluation interval is the file's, and the slow ones have days of samples.
    return [...Map.groupBy(ofAlert, stepOf)].map(([step, ofStep]) => {
      const file = join(dir, `${name}-${alert}-${step}.yaml`);
      const tests = ofStep.flatMap(make);
      writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: `${step}s`, group_eval_order: order, tests }));
      return file;
    });
  });
  return run('promtool', 'test', 'rules', ...files);
}

test('rules, alerts and Alertmanager configuration are valid', () => {
  const checked = run('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', ...RULES);
  assert.equal(checked.status, 0, checked.said);
  const config = run('amtool', 'check-config', join(ROOT, 'alerts/alertmanager.yml'));
  assert.equal(config.status, 0, config.said);
});

test('every alert has a case, a runbook, and what the mixin linters ask for', () => {
  const names = (list: readonly { readonly alert: string }[]) => [...new Set(list.map((a) => a.alert))].sort();
  assert.deepEqual(names(cases), names(alerts));
  for (const g of groups.groups) assert.ok(g.rules.length <= 20 && g.name.length <= 40, g.name);
  for (const { alert, labels, annotations } of alerts) {
    assert.match(alert, /^([A-Z]+[a-z0-9]+)+$/);
    assert.ok(alert.length <= 40, alert);
    assert.match(annotations['summary'] ?? '', /^[A-Z][^{}]+\.$/, alert);
    assert.match(annotations['description'] ?? '', /\{\{.*\}\}/, alert);
    assert.match(labels['severity'] ?? '', /^(critical|warning|info|none)$/, alert);
    const runbook = join(ROOT, `docs/runbooks/${alert}.md`);
    assert.ok(
      annotations['runbook_url']?.endsWith(`/${alert}.md`) && existsSync(runbook),
      `${alert}: no docs/runbooks/${alert}.md`,
    );
    const sections = [...readFileSync(runbook, 'utf8').matchAll(/^## (.+)$/gm)].map((m) => m[1]);
    assert.deepEqual(sections, ['Meaning', 'Impact', 'Look at', 'Do', 'Escalate'], runbook);
    assert.ok((annotations['command'] ?? '').length > 0, alert);
  }
});

test('every alert fires, does not fire just below, and resolves', () => {
  const ran = promtool(
    'cases',
    cases.filter((c) => c.alert !== 'FourlaneDeadMansSwitch'),
    promtoolTests,
  );
  assert.equal(ran.status, 0, ran.said);
});

test('pages name cluster, server and element, without an error in a template', () => {
  const { said } = promtool('speech', cases, promtoolSpeech);
  for (const c of cases) {
    const [, got] = new RegExp(`name: ${speechName(c)},[\\s\\S]*?got:([\\s\\S]*?)(?=\\n +name:|\\n\\n|$)`).exec(said) ?? [];
    assert.ok(got, `${c.alert} said nothing:\n${said.slice(0, 4000)}`);
    assert.doesNotMatch(got, /error expanding|<no value>|%!|\{\{/, c.alert);
    if (c.alert === 'FourlaneDeadMansSwitch') continue;
    const description = /description="((?:[^"\\]|\\.)*)"/.exec(got)?.[1] ?? '';
    assert.match(description, /edge/, c.alert);
    if (!c.cluster) assert.match(description, /lb1/, c.alert);
    for (const [label, value] of Object.entries(c.labels ?? {})) {
      if (label === 'job' || label === 'instance' || value === 'none') continue;
      assert.ok(got.includes(value), `${c.alert} does not name ${label} ${value}: ${got}`);
    }
  }
});

test("a NIC's page says what it costs", () => {
  const nic = cases.filter((c) => c.alert === 'FourlaneNicFault');
  const { said } = promtool('nic', nic, promtoolSpeech);
  assert.match(said, /impact="Switched off on this NIC: (all, web1|web1, all)\. Without any NIC on this server: web1\."/);
  assert.match(said, /command="ip -s link show dev eth1; ethtool eth1"/);
});
