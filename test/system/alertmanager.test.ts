/**
 * Real Alertmanager with the shipped configuration: every edge of the inhibition tree, every route, the text of a page,
 * maintenance.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { cases } from '../alerts/cases.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { until } from './harness.ts';

const ALERTS = fileURLToPath(new URL('../../alerts', import.meta.url));
const CONFIG = join(ALERTS, 'alertmanager.yml');
type Labels = Readonly<Record<string, string>>;
interface Rule {
  readonly source_matchers: readonly string[];
  readonly target_matchers: readonly string[];
  readonly equal: readonly string[];
}
interface State {
  readonly labels: Labels;
  readonly status: { readonly inhibitedBy: readonly string[]; readonly silencedBy: readonly string[] };
}

const dir = mkdtempSync(join(tmpdir(), 'fourlane-alertmanager-'));
let url: string;
let child: ChildProcess | undefined;
before(async () => {
  ensure(['prometheus-alertmanager']);
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
  url = `http://127.0.0.1:${port}`;
  child = spawn(
    'prometheus-alertmanager',
    [`--config.file=${CONFIG}`, `--storage.path=${dir}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
    { stdio: 'ignore' },
  );
  await until('Alertmanager is ready', 10_000, async () => (await fetch(`${url}/-/ready`)).ok);
});
after(async () => {
  if (child !== undefined) {
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(dir, { recursive: true });
});

/** Every alert with the labels it comes with. */
const shapes: readonly Labels[] = cases.map((c) => ({
  alertname: c.alert,
  severity: c.severity,
  ...(c.severity === 'none' ? {} : { cluster: 'edge' }),
  ...(c.cluster ? {} : { server: 'lb1' }),
  ...c.labels,
}));
const { inhibit_rules: rules } = parse(readFileSync(CONFIG, 'utf8')) as { inhibit_rules: readonly Rule[] };

/** Whether labels satisfy matchers such as `alertname =~ "A|B"`. */
function matches(labels: Labels, matchers: readonly string[]): boolean {
  return matchers.every((m) => {
    const [, name, operator, value] = /^(\w+)\s*(=~|=)\s*"?([^"]*)"?$/.exec(m)!;
    const own = labels[name!] ?? '';
    return operator === '=' ? own === value : new RegExp(`^(?:${value})$`).test(own);
  });
}

async function post(alerts: readonly Labels[]): Promise<void> {
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alerts.map((labels) => ({ labels, annotations: {}, startsAt: new Date().toISOString() }))),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** The state of every alert, by its labels as text. */
async function states(): Promise<ReadonlyMap<string, State>> {
  const list = (await (await fetch(`${url}/api/v2/alerts`)).json()) as State[];
  return new Map(list.map((a) => [key(a.labels), a]));
}
const key = (labels: Labels) => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * The states of all of these, once `decided` holds of them: Alertmanager knows an alert first, and inhibits others by it a moment
 * later.
 */
function settled(
  wanted: readonly Labels[],
  decided: (seen: ReadonlyMap<string, State>) => boolean = () => true,
): Promise<ReadonlyMap<string, State>> {
  return until('all alerts known and decided about', 5000, async () => {
    const seen = await states();
    return wanted.every((w) => seen.has(key(w))) && decided(seen) && seen;
  });
}

const inhibited = (seen: ReadonlyMap<string, State>, l: Labels) => seen.get(key(l))!.status.inhibitedBy.length > 0;

test('a NIC that is withdrawn from BGP is one page, and no ticket beside it', async () => {
  const at = { cluster: 'edge-withdrawn', server: 'lb1', nic: 'eth2' };
  const over = { ...at, peer: '192.0.2.1' };
  const cause = { alertname: 'FourlaneNicUpstreamFault', severity: 'critical', ...at };
  const consequences: readonly Labels[] = [
    { alertname: 'FourlaneBgpSessionDown', severity: 'warning', ...over },
    { alertname: 'FourlaneBfdDownSessionUp', severity: 'critical', ...over },
    { alertname: 'FourlanePrefixIncomplete', severity: 'warning', ...over, prefix: '10.0.0.0/29', level: 'group' },
    { alertname: 'FourlaneNicPartial', severity: 'warning', ...at },
  ];
  const other = { alertname: 'FourlaneBgpSessionDown', severity: 'warning', ...over, nic: 'eth3', peer: '198.51.100.1' };
  const all = [cause, ...consequences, other];
  await post(all);
  const seen = await settled(all, (now) => consequences.every((each) => inhibited(now, each)));
  assert.deepEqual(
    all.filter((each) => !inhibited(seen, each)),
    [cause, other],
    'only what is wrong over another NIC is sent too',
  );
});

test('every edge of the inhibition tree holds, and only for equal labels', async () => {
  const edges: { source: Labels; same: Labels; others: Labels[] }[] = [];
  for (const rule of rules) {
    const sources = shapes.filter((s) => matches(s, rule.source_matchers));
    const targets = shapes.filter((s) => matches(s, rule.target_matchers));
    assert.ok(sources.length > 0 && targets.length > 0, `no alert for ${JSON.stringify(rule)}`);
    for (const source of sources) {
      for (const target of targets) {
        // A cluster for each edge keeps the edges apart.
        const common = Object.fromEntries(rule.equal.map((l) => [l, source[l]!]));
        for (const l of rule.equal) {
          assert.ok(
            source[l] !== undefined && target[l] !== undefined,
            `${source['alertname']} → ${target['alertname']}: no label ${l}`,
          );
        }
        const cluster = `edge-${edges.length}`;
        edges.push({
          source: { ...source, cluster },
          same: { ...target, ...common, cluster },
          others: rule.equal.map((l) => ({
            ...target,
            ...common,
            cluster,
            [l]: `${l === 'cluster' ? cluster : common[l]}-other`,
          })),
        });
      }
    }
  }
  assert.ok(edges.length > 60, String(edges.length));
  const all = edges.flatMap((e) => [e.source, e.same, ...e.others]);
  await post(all);
  const wrong = (seen: ReadonlyMap<string, State>) =>
    edges.flatMap(({ source, same, others }) => {
      const name = `${source['alertname']} → ${same['alertname']}`;
      return [
        ...(inhibited(seen, same) ? [] : [`${name} does not inhibit`]),
        ...others.filter((o) => inhibited(seen, o)).map((o) => `${name} inhibits although labels differ: ${key(o)}`),
      ];
    });
  const seen = await settled(all, (s) => wrong(s).length === 0).catch(states);
  console.log(`${edges.length} edges, ${all.length} alerts`);
  assert.deepEqual(wrong(seen), []);
});

test('what must never be inhibited is not, whatever else fires', async () => {
  const never = /Budget|ClusterCapacityLow|GovernorBlocked|ActionsFail|RackFault|VrrpNoMaster|VrrpTwoMasters/;
  const together: Labels[] = shapes.filter((s) => s['severity'] !== 'none').map((s) => ({ ...s, cluster: 'everything' }));
  // Alerts are taken in order: when the last has its effect, all others have had theirs.
  const [rule] = rules;
  const last = [rule!.source_matchers, rule!.target_matchers].map((m) => ({
    ...shapes.find((s) => matches(s, m))!,
    cluster: 'last',
    server: 'lb1',
  }));
  await post([...together, ...last]);
  const seen = await settled(together, (s) => s.has(key(last[1]!)) && inhibited(s, last[1]!));
  for (const s of together.filter((l) => never.test(l['alertname']!))) {
    assert.deepEqual(seen.get(key(s))!.status.inhibitedBy, [], s['alertname']);
  }
});

test('every alert takes its route', () => {
  for (const s of shapes) {
    const receiver = execFileSync(
      'amtool',
      ['config', 'routes', 'test', `--config.file=${CONFIG}`, ...Object.entries(s).map(([k, v]) => `${k}=${v}`)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    ).trim();
    const wanted = { critical: 'pager', warning: 'tickets', info: 'owners', none: 'heartbeat' }[s['severity']!];
    assert.equal(receiver, wanted, s['alertname']);
  }
});

test('the text of a page: title, what, impact, first command, links; a long group is cut', () => {
  const alert = (server: string, status = 'firing') => ({
    status,
    labels: { alertname: 'FourlaneNicFault', severity: 'critical', cluster: 'edge', server, nic: 'eth1', cause: 'carrier' },
    annotations: {
      description: `NIC eth1 of ${server} is judged NIC_FAIL.`,
      impact: 'Switched off: web1.',
      command: 'ethtool eth1',
      dashboard_url: 'http://g/d/fourlane-nic',
      runbook_url: 'http://r/FourlaneNicFault.md',
    },
  });
  const render = (
    name: string,
    alerts: readonly { status: string; labels: object; annotations: object }[],
    common: object,
    status = 'firing',
  ) => {
    const data = join(dir, 'data.json');
    writeFileSync(
      data,
      JSON.stringify({ status, alerts, commonLabels: common, groupLabels: common, commonAnnotations: {}, receiver: 'pager' }),
    );
    return execFileSync(
      'amtool',
      [
        'template',
        'render',
        `--template.glob=${ALERTS}/fourlane.tmpl`,
        `--template.text={{ template "${name}" . }}`,
        `--template.data=${data}`,
      ],
      { encoding: 'utf8' },
    );
  };
  const one = alert('lb1');
  assert.equal(render('fourlane.title', [one], one.labels).trim(), '[CRITICAL] FourlaneNicFault edge lb1 eth1 (carrier)');
  assert.equal(
    render('fourlane.text', [one], one.labels).trim(),
    [
      'NIC eth1 of lb1 is judged NIC_FAIL.',
      '  Impact:    Switched off: web1.',
      '  First:     ethtool eth1',
      '  Dashboard: http://g/d/fourlane-nic',
      '  Runbook:   http://r/FourlaneNicFault.md',
    ].join('\n'),
  );
  const many = Array.from({ length: 14 }, (_, i) => alert(`lb${i}`));
  const text = render('fourlane.text', many, { alertname: 'FourlaneNicFault', severity: 'critical' });
  assert.equal(text.match(/is judged/g)?.length, 10);
  assert.match(text, /… and 4 more\./);
  assert.match(render('fourlane.title', many, { alertname: 'FourlaneNicFault', severity: 'critical' }), /and 14 alerts in all/);
  assert.match(render('fourlane.title', [alert('lb1', 'resolved')], one.labels, 'resolved'), /^\s*\[RESOLVED\] FourlaneNicFault/);
});

test('a server in maintenance is silent; the same fault elsewhere, and the cluster, are not', async () => {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const matchers = [
    { name: 'cluster', value: 'maint', isRegex: false, isEqual: true },
    { name: 'server', value: 'lb1', isRegex: false, isEqual: true },
  ];
  const silence = { matchers, startsAt: new Date().toISOString(), endsAt: until, createdBy: 'test', comment: 'drain' };
  const answer = await fetch(`${url}/api/v2/silences`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(silence),
  });
  assert.equal(answer.status, 200);
  const fault = {
    alertname: 'FourlaneNicFault',
    severity: 'critical',
    cluster: 'maint',
    server: 'lb1',
    nic: 'eth1',
    cause: 'link',
  };
  const list: Labels[] = [
    fault,
    { ...fault, server: 'lb2' },
    { ...fault, cluster: 'other' },
    { alertname: 'FourlaneClusterCapacityLow', severity: 'critical', cluster: 'maint' },
  ];
  await post(list);
  const seen = await settled(list, (s) => s.get(key(list[0]!))!.status.silencedBy.length > 0);
  assert.deepEqual(
    list.map((l) => seen.get(key(l))!.status.silencedBy.length),
    [1, 0, 0, 0],
  );
});
