/** The thread that serves HTTP, with a real judge behind it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JudgeFamilies } from '../../src/report/families.ts';
import { reportStatus, type StatusReport } from '../../src/report/report.ts';
import { reportWhy, type WhyReport } from '../../src/report/why.ts';
import { Exposition } from '../../src/metrics/exposition.ts';
import { initial } from '../../src/judge/judge.ts';
import { OK } from '../../src/model/outcome.ts';
import { topologyOf } from '../../src/model/topology.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { exchange } from '../../src/sys/http.ts';
import { ask, json, sendRaw } from '../http/http.ts';
import { until } from '../system/harness.ts';
import { planOf } from '../act/world.ts';
import { openAgent, type StageOptions, yamlOf } from './http-stage.ts';

type Staged = Awaited<ReturnType<typeof openAgent>>;
const TOKEN = 'a-token-of-sixteen-or-more';
let agent: Staged;
before(async () => {
  agent = await openAgent();
  agent.live();
});
after(async () => {
  await agent.close();
  assert.deepEqual(agent.logged, []);
});

async function using(options: StageOptions, use: (own: Staged) => Promise<void>): Promise<void> {
  const own = await openAgent(options);
  try {
    await use(own);
  } finally {
    await own.close();
  }
}

/** Without what time alone changes. */
const timeless = (value: object) =>
  JSON.parse(
    JSON.stringify(value, (key, v: unknown) => (/^(time|uptimeSeconds|forSeconds|ageSeconds|since|t)$/.test(key) ? 0 : v)),
  ) as unknown;

test("answers are what the judge's own state gives: status, why, verdicts, page, series", async () => {
  await using({}, async (agent) => compare(agent));
});

async function compare(agent: Staged): Promise<void> {
  const status = json<StatusReport>(await ask(agent.port, '/api/v1/status'));
  assert.deepEqual(timeless(status), timeless(reportStatus(agent.view)));
  assert.deepEqual(
    status.verdicts.map((v) => `${v.verdict} ${v.nic ?? v.rs}`),
    ['NIC_FAIL eth3', 'RS_DOWN 10.1.2.13:8080'],
  );
  for (const [query, question] of [
    ['nic=eth3', { nic: 'eth3' }],
    ['nic=eth2', { nic: 'eth2' }],
    ['rs=10.1.2.13:8080', { rs: '10.1.2.13:8080' }],
  ] as const) {
    const why = json<WhyReport>(await ask(agent.port, `/api/v1/why?${query}`));
    assert.deepEqual(timeless(why), timeless(reportWhy(agent.view, question)));
    assert.ok(why.verdicts[0]!.evidence.cells.length > 0);
  }
  const { transitions } = json<{ transitions: object[] }>(await ask(agent.port, '/api/v1/verdicts'));
  assert.equal(transitions.length, agent.view.history.since(0).length);
  assert.match((await ask(agent.port, '/')).body.toString(), /1\u00a0NIC\u00a0failed · 1\u00a0real\u00a0server\u00a0down/);
  const text = (await ask(agent.port, '/metrics')).body.toString();
  const own = new Exposition({ cluster: 'edge-1', server: 'lb-01' });
  // A wall-clock time is rounded to ms at another moment.
  const stampless = (lines: string) => lines.replace(/(timestamp_seconds\{.*\}) .*/g, '$1');
  assert.equal(stampless(text), stampless(own.render(new JudgeFamilies(agent.view).families(), 'text').toString()));
}

test('a change is seen by the very next question, and what has not changed is not older than a quarter of a second', async () => {
  await using({}, async ({ port, world, loop, lanes }) => {
    const verdicts = async () => json<{ verdicts: object[] }>(await ask(port, '/api/v1/verdicts')).verdicts.length;
    assert.equal(await verdicts(), 2);
    world.outcome = () => OK;
    const left = () => loop.verdicts().length;
    await until('another verdict', 20_000, async () => {
      loop.pass();
      const now = left();
      assert.equal(await verdicts(), now);
      return now !== 2;
    });
    const cells = async () => json<StatusReport>(await ask(port, '/api/v1/status')).nics[1]!.cells;
    await until('good cells', 1000, async () => (await cells()).ok === 12);
    lanes.all[1]!.state = 'restarting';
    loop.pass();
    const answer = await ask(port, '/-/ready');
    assert.deepEqual([answer.status, json(answer).message], [503, 'lanes: eth3 is restarting']);
  });
});

test('nobody asks, nothing is copied; many ask, it is copied once', async () => {
  await using({}, async ({ port, publisher }) => {
    let copies = 0;
    const publish = publisher.ask.bind(publisher);
    publisher.ask = (half) => {
      copies++;
      publish(half);
    };
    await sleep(300);
    assert.equal(copies, 0);
    const started = performance.now();
    const paths = ['/', '/metrics', '/api/v1/status', '/api/v1/verdicts'];
    const answers = await Promise.all(Array.from({ length: 40 }, (_, k) => ask(port, paths[k % 4]!)));
    assert.ok(answers.every((a) => a.status === 200));
    // One each 100 ms at most, however long the answers took on a busy machine.
    const most = 2 + (performance.now() - started) / 100;
    assert.ok(copies <= most && copies < 20, `${copies} copies`);
  });
});

test('a reload over HTTP: the answer of the agent, and the new plan in the answer after it', async () => {
  const credentials = `web: {authentication: {bearerToken: ${TOKEN}}}`;
  const plan = planOf(yamlOf(['10.1.0.1:80'], credentials));
  const reload = async () => {
    if (own.plans.plan === plan) return { ok: false, message: 'refused', errors: ['f.yaml:1:2: x'] };
    own.plans.replace(plan);
    own.loop.replace(topologyOf(plan), initial(topologyOf(plan), monotonicMs()));
    own.publisher.follow();
    return { ok: true, message: 'changed' };
  };
  const own = await openAgent({ plan: planOf(yamlOf(undefined, credentials)), behind: { reload } });
  try {
    const targets = async () => json<StatusReport>(await ask(own.port, '/api/v1/status')).realServers.total;
    assert.equal(await targets(), 12);
    const reloading = { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } };
    const good = await ask(own.port, '/-/reload', reloading);
    assert.deepEqual(json(good), { message: 'changed', revision: plan.revision });
    assert.equal(await targets(), 1);
    const bad = await ask(own.port, '/-/reload', reloading);
    assert.deepEqual([bad.status, json(bad)], [400, { code: 'CONFIG_INVALID', message: 'refused\nf.yaml:1:2: x' }]);
  } finally {
    await own.close();
  }
});

test('a judge that does not turn is not healthy, and is again when it turns', { timeout: 30_000 }, async () => {
  await using({}, async ({ port, loop }) => {
    assert.equal((await ask(port, '/-/healthy')).status, 200);
    await until('STALLED', 8000, async () => (await ask(port, '/-/healthy')).status === 503);
    for (const path of ['/-/healthy', '/-/ready']) {
      const answer = await ask(port, path);
      assert.equal(json(answer).code, 'STALLED');
      assert.match(json(answer).message, /^the judge has not turned for \d+ s/);
    }
    loop.pass();
    assert.equal((await ask(port, '/-/healthy')).status, 200);
    assert.equal((await ask(port, '/-/ready')).status, 200);
  });
});

test('series of other rooms come with their rows, changed ones too; one that throws costs the scrape only', async () => {
  const family = { name: 'fourlane_other_total', help: 'o', type: 'counter', labelNames: ['a'] } as const;
  let rows = [['x']];
  let broken = false;
  const families = () => {
    if (broken) throw new Error('a defect');
    return [{ ...family, rows, values: BigUint64Array.from(rows, () => 2n ** 60n) }];
  };
  await using({ families }, async ({ port, pulse, logged }) => {
    const lines = async () => (await ask(port, '/metrics')).body.toString().match(/^fourlane_other_total.*/gm);
    const labels = 'cluster="edge-1",server="lb-01"';
    const line = (a: string) => `fourlane_other_total{${labels},a="${a}"} 1152921504606846976`;
    assert.deepEqual(await lines(), [line('x')]);
    pulse.change();
    assert.deepEqual(await lines(), [line('x')]);
    rows = [['x'], ['y']];
    pulse.change();
    assert.deepEqual(await lines(), [line('x'), line('y')]);
    broken = true;
    pulse.change();
    assert.equal((await ask(port, '/metrics')).status, 500);
    assert.equal((await ask(port, '/api/v1/status')).status, 200);
    assert.match(logged.join(), /a defect/);
    broken = false;
    pulse.change();
    assert.deepEqual(await lines(), [line('x'), line('y')]);
  });
});

test('a thread that fails is started again on the same port, counted and logged, and knows everything', async () => {
  await using({}, async (own) => {
    const { port, posts, http, logged } = own;
    // A message that the thread does not understand stands for a defect in it.
    const restarts = () => Number(http.families()[0]!.values[0]);
    const listens = () => Number(http.families()[2]!.values[0]);
    assert.deepEqual([restarts(), listens()], [0, 1]);
    posts[0]!({ type: 'moment', moment: {} as never });
    await until('the restart', 10_000, () => restarts() === 1 && listens() === 1);
    const status = json<StatusReport>(await ask(port, '/api/v1/status'));
    assert.equal(status.verdicts.length, 2);
    const { transitions } = json<{ transitions: object[] }>(await ask(port, '/api/v1/verdicts'));
    assert.equal(transitions.length, own.view.history.since(0).length);
    assert.match(logged.join(), /HTTP thread ended; restarting/);
  });
});

test('an address in use: said with the remedy, and listened on once it is free; the agent runs meanwhile', async () => {
  const first = await openAgent();
  const plan = planOf(yamlOf().replace('127.0.0.1:0', `127.0.0.1:${first.port}`));
  const second = await openAgent({ plan });
  try {
    const listens = () => Number(second.http.families()[2]!.values[0]);
    assert.equal(listens(), 0);
    const said = second.logged.join();
    assert.match(
      said,
      new RegExp(`127\\.0\\.0\\.1:${first.port}: another program listens there .*change listen.*; probing goes on`),
    );
    assert.match(said, /"code":"LISTEN_FAILED"/);
    await first.close();
    await until('listens', 5000, () => listens() === 1);
    assert.equal((await ask(first.port, '/-/healthy')).status, 200);
    assert.match(second.logged.at(-1)!, /listens now/);
  } finally {
    await second.close();
  }
});

test('the control socket: for owner and group, changes without credentials, taken over from the dead only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fourlane-control-'));
  const control = join(folder, 'run', 'control');
  let reloads = 0;
  const behind = { reload: async () => ({ ok: true, message: `reload ${++reloads}` }) };
  const listens = (own: Awaited<ReturnType<typeof openAgent>>) => {
    const { rows, values } = own.http.families()[2]!;
    return values[rows.findIndex(([door]) => door === 'control')];
  };
  const post = (path: string) =>
    exchange(`http://localhost${path}`, { method: 'POST', timeoutMs: 5000, mostBytes: 1e6, socketPath: control });
  // What an agent that was killed leaves.
  mkdirSync(join(folder, 'run'));
  const dead = createServer().listen(control);
  await once(dead, 'listening');
  renameSync(control, `${control}.kept`);
  dead.close();
  renameSync(`${control}.kept`, control);
  const own = await openAgent({ behind, init: { control } });
  const other = await openAgent({ init: { control } });
  try {
    await until('listens', 5000, () => listens(own) === 1);
    assert.equal(statSync(control).mode & 0o777, 0o660);
    assert.deepEqual(JSON.parse((await post('/-/reload')).body.toString()).message, 'reload 1');
    await until('refused', 5000, () => /another agent listens there/.test(other.logged.join()));
    assert.equal(listens(other), 0);
    assert.equal((await post('/-/reload')).status, 200, 'the first has kept it');
  } finally {
    await own.close();
    await other.close();
    rmSync(folder, { recursive: true });
  }
});

test('one request at a time per connection: answers come in order, and who sends too far ahead is cut off', async () => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const last = 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const few = await sendRaw(agent.port, get('/-/healthy') + get('/nowhere') + get('/-/ready').repeat(20) + last);
  assert.deepEqual(
    few.match(/HTTP\/1\.1 \d+/g)?.map((m) => m.slice(9)),
    ['200', '404', ...Array.from({ length: 21 }, () => '200')],
  );
  const many = await sendRaw(agent.port, get('/-/healthy').repeat(1450));
  assert.ok((many.match(/HTTP\/1\.1 200/g)?.length ?? 0) < 64);
  assert.equal((await ask(agent.port, '/-/healthy')).status, 200);
});
