import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFleet } from '../../src/http/page/fleet.ts';
import type { FleetStatus } from '../../src/model/cluster-status.ts';
import { fakeFleet, fleetAnswer } from '../report/fake-fleet.ts';
import { fakeView } from '../report/fake-view.ts';
import { ask, json } from './http.ts';
import { linkTo, serve } from './link.ts';

const page = (status?: FleetStatus, error = '', query = '') =>
  renderFleet(fakeView(), fleetAnswer(status, error), new URLSearchParams(query));
/** Texts of the cells of one row. */
const cells = (text: string, name: string) => {
  const found = new RegExp(`<tr><th scope="row">${name}</th>(.*?)</tr>`, 's').exec(text)?.[1] ?? '';
  return [...found.matchAll(/<td>(.*?)<\/td>/gs)].map((m) => m[1]!.replaceAll(/<[^>]+>/g, '').trim());
};

test('every server with what it should run, what it runs, and why it does not', () => {
  const text = page(fakeFleet());
  assert.match(text, /<h1>3 of 6 servers run what they should<\/h1>\n<p>out of service by a budget: lb-04 \(AGENT_ILL\) · 1/);
  assert.match(text, /· 1 failed · 1 lost · 1 in maintenance · 1 drift · 2 real servers found/);
  assert.deepEqual(cells(text, 'lb-01').slice(0, 7), [
    'canary',
    'fra1, r1',
    '● applied',
    'release 42 c07d52e1f6b0',
    'there, 0.1.0',
    '2 down',
    '',
  ]);
  assert.deepEqual(
    [2, 7].map((i) => cells(text, 'lb-02')[i]),
    ['■ failed', 'refused: release 42 removes 2 of 12 VIPs (16.7 %); allowed: 10 %'],
  );
  assert.equal(cells(text, 'lb-03')[6], '▲ drift');
  assert.deepEqual(
    [2, 4, 5].map((i) => cells(text, 'lb-05')[i]),
    ['■ agent lost', '■ lost', 'no witness: dead'],
  );
  assert.deepEqual(
    [2, 7].map((i) => cells(text, 'lb-06')[i]),
    ['▲ maintenance', 'in maintenance by ada@ops until 14:00: new disks'],
  );
  assert.match(text, /<span class="tag bad">■ not as it should be<\/span>/);
});

test('rings, the rollout, budgets with who holds them, and who finds which real server down', () => {
  const text = page(fakeFleet());
  assert.deepEqual(cells(text, 'rest').slice(0, 3), ['41', '9f3c1b7744aa', 'prepares 42']);
  assert.deepEqual(cells(text, '3'), ['42', 'halted', 'ring canary (1 of 2); lb-02 of ring canary: refused']);
  assert.deepEqual([cells(text, 'server')[1], cells(text, 'server')[3]], ['2 of at most 3', 'lb-04 (server: AGENT_ILL)']);
  assert.deepEqual(cells(text, '10.1.2.13:8080'), ['3 of 3', 'down for all', 'lb-01, lb-02, lb-03']);
  assert.deepEqual(cells(text, '10.1.1.12:8080'), ['1 of 3', 'reachable from 2 of 3', 'lb-01']);
  assert.match(text, /77aa00bb11cc<\/th><td>the agent ended unexpectedly 2 times/);
});

test('when all is well it says so; when etcd does not answer it says so, and of when the rest is', () => {
  const { servers } = fakeFleet();
  const budgets = [{ budget: 'server', scope: 'cluster', used: [], max: 1, holders: [] }];
  const well = { servers: servers.slice(2, 3), rollouts: [], drifts: [], maintenance: [], poison: [], down: [], budgets };
  const text = page(fakeFleet({ ...well, servers: [{ ...servers[2]!, bad: 0 }] }));
  assert.match(text, /● as it should be[^]*<h1>1 of 1 server run what they should<\/h1>\n<p>nothing fails, nobody is lost/);
  assert.doesNotMatch(text, /<h2>(?:Drift|Rollouts|Poison|Damaged|Real servers)/);
  const stale = page(fakeFleet(), 'etcd: no leader');
  assert.match(stale, /Not read again; this is of read 12:34:56 UTC: etcd: no leader/);
  const never = renderFleet(fakeView(), { number: 1, status: '', at: 0, error: 'etcd: no leader' }, new URLSearchParams());
  assert.match(never, /<h1>The cluster has not been read yet<\/h1>[^]*Not read again: etcd: no leader/);
});

test('when one server or NIC alone is out of service by a budget, the headline names it', () => {
  const well = { servers: [], rollouts: [], drifts: [], maintenance: [], poison: [], down: [] };
  const budget = (subjects: string[], why: string) => {
    const holders = [{ server: 'lb-02', subjects, why }];
    return page(fakeFleet({ ...well, budgets: [{ budget: 'b', scope: 'cluster', used: ['lb-02'], max: 1, holders }] }));
  };
  for (const [subject, named] of [
    ['server', 'lb-02 \\(AGENT_ILL\\)'],
    ['nic eth2', 'lb-02 nic eth2 \\(AGENT_ILL\\)'],
  ] as const)
    assert.match(
      budget([subject], 'AGENT_ILL'),
      new RegExp(`▲ something differs[^]*<p>out of service by a budget: ${named}</p>`),
    );
});

test('what others wrote into etcd is text, on one line, and of bounded length', () => {
  const evil = `<img src=x onerror=alert(1)>"'\u202e\u0007${'x'.repeat(5000)}`;
  const { servers, rings } = fakeFleet();
  const text = page(
    fakeFleet({
      cluster: evil,
      servers: [
        { ...servers[0]!, server: evil, ring: evil, site: evil, rack: evil, text: evil, version: evil, cannotTell: evil },
      ],
      rings: [{ ...rings[0]!, ring: evil, root: evil, text: evil }],
      rollouts: [{ n: 1, release: 2, state: evil, text: evil }],
      budgets: [{ budget: evil, scope: evil, used: [evil], max: 1, holders: [{ server: evil, subjects: [evil], why: evil }] }],
      drifts: [{ server: evil, question: evil, text: evil }],
      maintenance: [evil],
      poison: [{ root: evil, why: evil }],
      problems: [evil],
      down: [{ realServer: evil, by: [evil], witnesses: 1 }],
    }),
    evil,
    `x=${encodeURIComponent(evil)}`,
  );
  for (const char of ['<img', '\u202e', '\u0007']) assert.ok(!text.includes(char));
  assert.ok(text.length < 60_000, `${text.length}`);
});

test('a thousand servers and more of everything: the worst are listed, the rest is counted', () => {
  const { servers } = fakeFleet();
  const many = Array.from({ length: 2000 }, (_, i) => ({ ...servers[i === 1999 ? 1 : 2]!, server: `s${i}` }));
  const text = page(fakeFleet({ servers: many, more: { servers: 500, down: 40 } }));
  assert.match(text, /<h1>1999 of 2500 servers run/);
  assert.equal(cells(text, 's1999')[2], '■ failed');
  assert.match(text, /and 2300 more: <a href="\/api\/v1\/cluster">all as JSON/);
  assert.match(text, /and 40 more: /);
  assert.ok(text.length < 400_000, `${text.length}`);
});

test('the page and the API are made once of each reading; without an etcd there are none', async () => {
  let number = 0;
  const fleet = async () => ({ ...fleetAnswer(), number: ++number });
  const server = await serve(linkTo(fakeView(), { fleet }));
  try {
    const html = await ask(server.port, '/cluster');
    assert.deepEqual([html.status, html.headers['content-type']], [200, 'text/html; charset=utf-8']);
    assert.match(String(html.headers['content-security-policy']), /default-src 'none'/);
    const answer = json<{ time: string; error: string; status: FleetStatus }>(await ask(server.port, '/api/v1/cluster'));
    assert.deepEqual(answer, { time: '2026-11-28T12:34:56.000Z', error: '', status: fakeFleet() });
  } finally {
    await server.close();
  }
  const alone = await serve(linkTo(fakeView()));
  try {
    for (const path of ['/cluster', '/api/v1/cluster']) {
      const refused = await ask(alone.port, path);
      assert.equal(refused.status, 404);
      assert.match(json(refused).message, /its configuration has no cluster\.etcd/);
    }
  } finally {
    await alone.close();
  }
});
