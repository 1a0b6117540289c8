import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { StatusReport } from '../../src/report/report.ts';
import { ProcessMetrics } from '../../src/metrics/process-metrics.ts';
import type { AgentLink } from '../../src/http/agent.ts';
import type { Door } from '../../src/http/routes.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import { fakeView, makePlan, troubledView, WALL } from '../report/fake-view.ts';
import { ask, json } from './http.ts';
import { linkTo, serve, type RunningServer } from './link.ts';

let server: RunningServer;
const errors: unknown[] = [];
const processMetrics = new ProcessMetrics();
before(async () => {
  await processMetrics.start();
  server = await serve(linkTo(troubledView(), {}, processMetrics), { onError: (e) => errors.push(e) });
});
after(async () => {
  await server.close();
  processMetrics.stop();
  assert.deepEqual(errors, []);
});

/** Runs `use` against a server of its own. */
async function serving(agent: AgentLink, use: (port: number) => Promise<void>, door: Door = 'control'): Promise<void> {
  const own = await serve(agent, { onError: (e) => errors.push(e) }, door);
  try {
    await use(own.port);
  } finally {
    await own.close();
  }
}

test('metrics: plain by default, OpenMetrics by Accept, gzip by Accept-Encoding; one does not spoil the other', async () => {
  const open = await ask(server.port, '/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
  assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.match(open.body.toString(), /# EOF\n$/);
  const plain = await ask(server.port, '/metrics');
  assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(plain.body.toString(), /^# TYPE process_cpu_seconds_total counter$/m);
  assert.match(
    plain.body.toString(),
    /^fourlane_nic_verdict\{cluster="edge-1",server="lb-01",nic="eth3",verdict="NIC_FAIL",cause="link"\} 1$/m,
  );
  const zipped = await ask(server.port, '/metrics', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(zipped.body).toString(), /^fourlane_agent_state/m);
});

test('families of other rooms are shown', async () => {
  const family = { name: 'fourlane_other_total', help: 'o', type: 'counter', labelNames: [], rows: [[]], values: [7] } as const;
  await serving(linkTo(fakeView(), {}, { families: () => [family] }), async (port) => {
    assert.match((await ask(port, '/metrics')).body.toString(), /^fourlane_other_total\{cluster="edge-1",server="lb-01"\} 7$/m);
  });
});

test('healthy and ready', async () => {
  assert.equal((await ask(server.port, '/-/healthy')).status, 200);
  assert.equal((await ask(server.port, '/-/ready')).status, 200);
  await serving(
    linkTo(fakeView({ over: { ready: () => ({ ready: false, reason: 'lanes: eth2 is starting' }) } })),
    async (port) => {
      const answer = await ask(port, '/-/ready');
      assert.equal(answer.status, 503);
      assert.deepEqual(json(answer), { code: 'NOT_READY', message: 'lanes: eth2 is starting' });
      assert.equal((await ask(port, '/-/healthy')).status, 200);
    },
  );
});

test('status: the whole state as JSON', async () => {
  const report = json<StatusReport>(await ask(server.port, '/api/v1/status'));
  assert.equal(report.state, 'ok');
  assert.equal(report.time, new Date(WALL).toISOString());
  assert.deepEqual(
    report.verdicts.map((v) => v.verdict),
    ['NIC_FAIL', 'RS_DOWN', 'PATH'],
  );
  assert.deepEqual(
    report.nics.map((n) => [n.name, n.enabled]),
    [
      ['eth2', true],
      ['eth3', false],
      ['eth4', true],
    ],
  );
});

test('status can leave out real servers that are as configured', async () => {
  const altered = json<StatusReport>(await ask(server.port, '/api/v1/status?realServers=altered'));
  assert.deepEqual(
    altered.services.map((s) => [s.total, s.realServers.map((r) => r.target)]),
    [
      [12, ['10.1.2.13:8080']],
      [8, ['10.1.2.13:8080']],
      [8, ['10.1.2.13:8080']],
      [8, ['10.1.2.13:8080']],
    ],
  );
  assert.deepEqual(altered.realServers, { total: 12, up: 11 });
  assert.equal((await ask(server.port, '/api/v1/status?realServers=some')).status, 400);
});

test('why: evidence of one subject; errors say what there is', async () => {
  const nic = json<{ verdicts: { verdict: string; evidence: { rule: string } }[] }>(
    await ask(server.port, '/api/v1/why?nic=eth3'),
  );
  assert.deepEqual([nic.verdicts[0]!.verdict, nic.verdicts[0]!.evidence.rule], ['NIC_FAIL', 'R3']);
  for (const query of ['', '?nic=eth2&rs=10.1.1.11:8080', '?NIC=eth2']) {
    const wrong = await ask(server.port, `/api/v1/why${query}`);
    assert.deepEqual([wrong.status, json(wrong).code], [400, 'BAD_REQUEST']);
  }
  const missing = await ask(server.port, '/api/v1/why?nic=eth9');
  assert.deepEqual(
    [missing.status, json(missing)],
    [404, { code: 'NOT_FOUND', message: 'no NIC "eth9"; this agent has eth2, eth3, eth4' }],
  );
});

test('verdicts: all changes, or those since a time, a number of ms, or a duration', async () => {
  const changes = async (since: string) =>
    json<{ transitions: { time: string }[] }>(await ask(server.port, `/api/v1/verdicts${since}`)).transitions.length;
  const at = WALL - 260_000;
  assert.equal(await changes(''), 6);
  assert.deepEqual(
    [
      await changes(`?since=${at}`),
      await changes(`?since=${new Date(at).toISOString()}`),
      await changes('?since=5m'),
      await changes('?since=1m'),
    ],
    [3, 3, 3, 1],
  );
  const wrong = await ask(server.port, '/api/v1/verdicts?since=yesterday');
  assert.deepEqual([wrong.status, json(wrong).code], [400, 'BAD_REQUEST']);
});

test('reload: the answer of the agent, or every mistake in the file', async () => {
  let reloads = 0;
  const good = linkTo(fakeView(), { reload: async () => ({ ok: true, message: `reload ${++reloads}` }) });
  await serving(good, async (port) => {
    const answer = await ask(port, '/-/reload', { method: 'POST' });
    assert.deepEqual([answer.status, json(answer).message], [200, 'reload 1']);
  });
  const bad = linkTo(fakeView(), { reload: async () => ({ ok: false, message: 'refused', errors: ['f.yaml:1:2: x'] }) });
  await serving(bad, async (port) => {
    const answer = await ask(port, '/-/reload', { method: 'POST' });
    assert.deepEqual([answer.status, json(answer)], [400, { code: 'CONFIG_INVALID', message: 'refused\nf.yaml:1:2: x' }]);
  });
});

test('chaos exists in a lab only', async () => {
  assert.equal((await ask(server.port, '/-/chaos?crashLane=eth2', { method: 'POST' })).status, 404);
  const hit: string[] = [];
  await serving(linkTo(fakeView(), { chaos: async (nic) => hit.push(nic) > 0 && nic === 'eth2' }), async (port) => {
    assert.equal((await ask(port, '/-/chaos?crashLane=eth2', { method: 'POST' })).status, 200);
    assert.equal((await ask(port, '/-/chaos?crashLane=eth9', { method: 'POST' })).status, 404);
    assert.deepEqual(hit, ['eth2', 'eth9']);
  });
});

test('over TCP without credentials nothing is changed, and the answer says how', async () => {
  const answer = await ask(server.port, '/-/reload', { method: 'POST' });
  assert.equal(answer.status, 403);
  assert.match(json(answer).message, /on the control socket only \(fourlane reload, or SIGHUP\)/);
});

test('a page that rebinds its name to this machine reads nothing', async () => {
  for (const path of ['/', '/metrics', '/api/v1/status', '/-/healthy']) {
    const answer = await ask(server.port, path, { headers: { host: 'evil.example:9844' } });
    assert.deepEqual([answer.status, json(answer).code], [403, 'FORBIDDEN'], path);
  }
});

test('the page comes with headers that let nothing run', async () => {
  const { headers, body } = await ask(server.port, '/');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.match(body.toString(), /^<!doctype html>/);
});

test('HEAD answers as GET without the body', async () => {
  const get = await ask(server.port, '/-/healthy');
  const head = await ask(server.port, '/-/healthy', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body.length, head.headers['content-type']], [200, 0, get.headers['content-type']]);
  assert.ok(Number((await ask(server.port, '/metrics', { method: 'HEAD' })).headers['content-length']) > 1000);
});

test('an address in use is refused with the remedy', async () => {
  const view = fakeView({ plan: makePlan(1, 1, 1, { listen: { host: '127.0.0.1', port: server.port } }) });
  await assert.rejects(serve(linkTo(view)), (error: unknown) => {
    assert.ok(error instanceof FourlaneError);
    assert.equal(error.code, 'LISTEN_FAILED');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${server.port}: another program listens there .*change listen`));
    return true;
  });
});

test('an address this machine does not have is refused with the remedy', async () => {
  const view = fakeView({ plan: makePlan(1, 1, 1, { listen: { host: '192.0.2.1', port: 9844 } }) });
  await assert.rejects(serve(linkTo(view)), /cannot listen on 192\.0\.2\.1:9844: this machine does not have that address/);
});

test('an error of ours is told to the log, and to the client by its code only', async () => {
  const seen: unknown[] = [];
  const own = await serve(
    linkTo(
      fakeView({
        over: {
          verdicts: () => {
            throw new Error('secret detail');
          },
        },
      }),
    ),
    { onError: (e) => seen.push(e) },
  );
  const answer = await ask(own.port, '/api/v1/status');
  const scrape = await ask(own.port, '/metrics');
  await own.close();
  assert.deepEqual([answer.status, json(answer).code, scrape.status, seen.length], [500, 'INTERNAL', 500, 2]);
  assert.doesNotMatch(answer.body.toString(), /secret/);
});

test('closing ends connections that are kept alive', async () => {
  const own = await serve(linkTo(fakeView()));
  const kept = await fetch(`http://127.0.0.1:${own.port}/-/healthy`);
  await kept.text();
  await own.close();
  await assert.rejects(fetch(`http://127.0.0.1:${own.port}/-/healthy`));
});
