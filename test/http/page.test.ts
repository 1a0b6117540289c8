import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clock, count, formatDuration, formatRtt, formatShare } from '../../src/report/format.ts';
import { escapeHtml, html } from '../../src/http/page/html.ts';
import { PAGE_CSP } from '../../src/http/page/document.ts';
import { renderPage } from '../../src/http/page/page.ts';
import type { AgentView } from '../../src/report/view.ts';
import { TIMEOUT } from '../../src/model/outcome.ts';
import { fakeView, makePlan, NIC_FAULT, NOW, troubledView } from '../report/fake-view.ts';

const page = (view: AgentView, query = '') => renderPage(view, new URLSearchParams(query));
const cells = (text: string) => text.match(/<td class="cell/g)?.length ?? 0;

test('html escapes what is put in, whatever it is, and not what is HTML already', () => {
  assert.equal(
    html`<a title="${'"\'<&>'}">${html`<b>${1}</b>`}${[html`<i/>`, html`<u/>`]}${false}${undefined}</a>`.text,
    '<a title="&quot;&#39;&lt;&amp;&gt;"><b>1</b><i/><u/></a>',
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (s) => assert.doesNotMatch(escapeHtml(s), /[<>"']/)));
});

test('durations, round trips and shares in the shortest form', () => {
  assert.deepEqual([0, 0.44, 9.99, 42.9, 252, 3900, 7_200, 187_200].map(formatDuration), [
    '0 s',
    '0.4 s',
    '9.9 s',
    '42 s',
    '4 m 12 s',
    '1 h 05 m',
    '2 h 00 m',
    '2 d 4 h',
  ]);
  assert.deepEqual([0.000085, 0.00031, 0.009994, 0.01234, 0.9, 1.23].map(formatRtt), [
    '85 µs',
    '0.31 ms',
    '9.99 ms',
    '12 ms',
    '900 ms',
    '1.2 s',
  ]);
  assert.deepEqual([0, 0.004, 0.5, 1].map(formatShare), ['0 %', '0.4 %', '50 %', '100 %']);
  assert.deepEqual([count(1, 'NIC'), count(3, 'NIC'), clock('2026-01-31T12:34:56.000Z')], ['1 NIC', '3 NICs', '12:34:56']);
});

test('the faults come first, most severe first, each with its command', () => {
  const text = page(troubledView());
  assert.match(text, /<h1>1.service.down · 1.NIC.failed · 1.real.server.down · 1.path.fault · 1.action.not.in.place<\/h1>/);
  const order = [...text.matchAll(/<li class="verdict \w+">.*?<\/span><b>([^<]+)<\/b>/gs)].map((m) => m[1]);
  assert.deepEqual(order, ['eth3', '10.1.2.13:8080', 'eth4 → 10.1.1.12:8080']);
  assert.match(text, /<code>fourlane why nic eth3<\/code>/);
});

test('every cell says its state by a sign and in words, not by colour alone', () => {
  const text = page(troubledView());
  assert.equal(cells(text), 36);
  const refused = /<td class="cell service_fail" title="([^"]+)"><b>◆<\/b>refused<\/td>/.exec(text);
  assert.equal(refused?.[1], 'eth2 → 10.1.2.13:8080: link ok, service fail; last probe refused, 0.5 s ago, round trip 0.40 ms');
  assert.match(
    text,
    /<td class="cell link_fail path" title="eth4 → 10.1.1.12:8080: [^"]+; fails through this NIC only"><b>✕<\/b>timeout<\/td>/,
  );
});

test('without faults there is no strip', () => {
  const text = page(fakeView());
  assert.match(text, /<h1>No faults<\/h1>/);
  assert.doesNotMatch(text, /class="verdict /);
});

test('it refreshes itself until paused; the other parts of the query stay', () => {
  assert.match(page(fakeView(), 'page=2'), /<meta http-equiv="refresh" content="5">[^]*<a href="\/\?page=2&amp;pause=1">/);
  const paused = page(fakeView(), 'page=2&pause=1');
  assert.doesNotMatch(paused, /http-equiv="refresh"/);
  assert.match(paused, /<a href="\/\?page=2">/);
});

test('no name, reason or query gets into the page as HTML', () => {
  const evil = '<img src=x onerror=alert(1)>"\'';
  const plan = makePlan(1, 1, 1, { cluster: evil, server: evil, revision: evil });
  const named = {
    ...plan,
    nics: [{ ...plan.nics[0]!, name: evil }],
    services: [{ ...plan.services[0]!, name: evil, vip: evil }],
  };
  const target = { ...plan.targets[0]!, id: evil, realServer: evil, rack: evil };
  const view = fakeView({
    plan: { ...named, targets: [target] },
    verdicts: [{ ...NIC_FAULT, nic: evil, reason: evil }],
    over: { lastReload: () => ({ ok: false, message: evil, t: NOW }), ready: () => ({ ready: false, reason: evil }) },
  });
  assert.doesNotMatch(page(view, `page=${encodeURIComponent(evil)}&x=${encodeURIComponent(evil)}`), /<img/);
});

test('no script, and the policy allows none', () => {
  assert.match(
    page(troubledView()),
    /keepalived<\/b><span class="tag bad">■ failed<\/span><span class="mute">\/run\/keepalived\.pid: permission denied/,
  );
  assert.doesNotMatch(page(fakeView({ plan: makePlan(1, 1, 1) })), /<h2>Sources/);
  assert.doesNotMatch(page(troubledView()), /<script|javascript:|\son\w+=|\sstyle=/i);
  assert.doesNotMatch(PAGE_CSP, /script|unsafe/);
});

test('a frozen agent, a refused reload and an agent that starts say so', () => {
  const view = troubledView();
  const frozen = page({ ...view, wanted: () => ({ ...view.wanted(), frozen: 'AGENT_ISOLATED' }) });
  assert.match(frozen, /frozen: agent isolated/);
  assert.match(
    page({ ...view, lastReload: () => ({ ok: false, message: 'f.yaml:3:1: unknown key', t: NOW }) }),
    /Last reload refused[^<]+f\.yaml:3:1: unknown key/,
  );
  assert.match(
    page({ ...view, phase: () => 'starting', ready: () => ({ ready: false, reason: 'lanes: eth2 is starting' }) }),
    /not ready: lanes: eth2 is starting/,
  );
});

test('a big topology: a summary by rack, and the failing real servers in pages', () => {
  const plan = makePlan(8, 3000, 30);
  const faults = Array.from({ length: 250 }, (_, k) => ({ nic: k % 8, target: k * 12, outcome: TIMEOUT }));
  const view = fakeView({ plan, faults });
  const [first, last, beyond] = ['', 'page=3', 'page=99'].map((query) => page(view, query)) as [string, string, string];
  assert.deepEqual([cells(first), cells(last), cells(beyond)], [800, 400, 400]);
  assert.match(first, /page 1 of 3[^]*<a href="\/\?page=2">next/);
  assert.doesNotMatch(last, /next →/);
  assert.equal(first.match(/<th scope="row">r\d+<\/th>/g)?.length, 30);
});

test('real servers without racks stand in pieces side by side', () => {
  const plan = makePlan(2, 30, 1);
  const targets = plan.targets.map(({ rack: _, ...t }) => t);
  const text = page(fakeView({ plan: { ...plan, targets } }));
  assert.equal(cells(text), 60);
  assert.deepEqual(
    text.match(/<h3>No rack<\/h3><span class="mute">\d+/g)?.map((m) => m.slice(-2)),
    ['10', '10', '10'],
  );
});

test('an agent without NICs, targets or services has a page too', () => {
  const empty = makePlan(0, 0, 1);
  assert.match(page(fakeView({ plan: { ...empty, services: [] } })), /The config names no service/);
});

test('what is not in place is listed with its failures, and nothing when all is', () => {
  const text = page(troubledView());
  assert.match(text, /Not in place <small>3 actions wanted and not done yet<\/small>/);
  assert.match(
    text,
    /■ failing<\/span><span class="mute">NIC eth3: failed, in place ok, for 4 m 12 s, 8 failures: POST [^<]*503, needs 2xx</,
  );
  assert.match(text, /and 1 more/);
  assert.doesNotMatch(page(fakeView()), /Not in place/);
});
